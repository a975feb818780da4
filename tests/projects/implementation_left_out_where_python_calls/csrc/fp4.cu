#include <torch/library.h>

torch::Tensor fp4_mm(const torch::Tensor& input) { return input; }

TORCH_LIBRARY_IMPL_EXPAND(TORCH_EXTENSION_NAME, CUDA, m) {
  m.impl("fp4_mm", &fp4_mm);
}
