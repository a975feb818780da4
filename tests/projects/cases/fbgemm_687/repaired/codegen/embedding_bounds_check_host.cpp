#include <torch/library.h>

void bounds_check_indices_cuda(at::Tensor& indices);

TORCH_LIBRARY_FRAGMENT(fb, m) {
  m.def("bounds_check_indices(Tensor(a!) indices) -> ()");
  m.impl("bounds_check_indices", torch::dispatch(c10::DispatchKey::CUDA, TORCH_FN(bounds_check_indices_cuda)));
}
