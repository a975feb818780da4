#include <torch/library.h>

void single_decode(at::Tensor query);
void pod(at::Tensor query);

TORCH_LIBRARY_FRAGMENT(TORCH_EXTENSION_NAME, m) {
  m.def("single_decode", single_decode);
  m.def("pod", pod);
}
