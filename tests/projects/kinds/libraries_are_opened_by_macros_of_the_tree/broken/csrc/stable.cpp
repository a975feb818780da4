#include "macros.hpp"

namespace demo {

at::Tensor scale(const at::Tensor& input);
at::Tensor turn(const at::Tensor& input);

DEMO_FRAGMENT(library) {
  library.def("sclae(Tensor input) -> Tensor", &scale);
}

WITH_KERNELS(library)
{
    library.def("turn(Tensor input) -> Tensor");
    library.impl("turn", torch::kCUDA, &turn);
}

}  // namespace demo
