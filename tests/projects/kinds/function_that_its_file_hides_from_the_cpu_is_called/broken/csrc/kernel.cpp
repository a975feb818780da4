#include <torch/extension.h>

#if defined(USE_GPU)
static torch::Tensor launch(const torch::Tensor& input) {
  return input * 2;
}
#endif

torch::Tensor shift(const torch::Tensor& input) {
  return input + 1;
}

torch::Tensor scale(const torch::Tensor& input) {
  return launch(input);
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift", &shift);
  m.def("scale", &scale);
}
