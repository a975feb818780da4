#include <torch/extension.h>

at::Tensor scale_0(const at::Tensor& input) {
#ifdef ENABLE_BF16
  return input.to(at::kBFloat16);
#endif
  return input;
}

at::Tensor scale_1(const at::Tensor& input) {
#ifdef ENABLE_BF16
  return input.to(at::kBFloat16);
#endif
  return input;
}

at::Tensor scale_2(const at::Tensor& input) {
#ifdef ENABLE_BF16
  return input.to(at::kBFloat16);
#endif
  return input;
}

at::Tensor scale_3(const at::Tensor& input) {
#ifdef ENABLE_BF16
  return input.to(at::kBFloat16);
#endif
  return input;
}

at::Tensor scale_4(const at::Tensor& input) {
#ifdef ENABLE_BF6
  return input.to(at::kBFloat16);
#endif
  return input;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale_0", &scale_0);
  m.def("scale_1", &scale_1);
  m.def("scale_2", &scale_2);
  m.def("scale_3", &scale_3);
  m.def("scale_4", &scale_4);
}
