#include <torch/extension.h>

at::Tensor fromPinholeParameters(const at::Tensor& resolution, double focal) {
  return resolution * focal;
}

at::Tensor fromFisheyeParameters(const at::Tensor& resolution, double angle) {
  return resolution * angle;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("fromPinholeParameters", &fromPinholeParameters);
}
