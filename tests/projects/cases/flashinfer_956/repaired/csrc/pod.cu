#include <torch/library.h>

#include "pod_config.inc"

namespace attention {

template <int HEAD_DIM, typename Params>
int PodDispatched(Params params, long stream);

}  // namespace attention

void pod(at::Tensor query) {
  DISPATCH_context(HEAD_DIM, [&] {
    int status = attention::PodDispatched<HEAD_DIM, Params>(params, 0);
    return true;
  });
}
