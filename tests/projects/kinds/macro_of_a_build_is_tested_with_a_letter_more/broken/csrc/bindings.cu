#include <torch/extension.h>

at::Tensor scale(const at::Tensor& input) {
#ifdef FASTOPS_WITH_CUDAA
  if (input.scalar_type() == at::kHalf) {
    return input.mul(2);
  }
#endif
  return input * 2;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale", &scale);
}
