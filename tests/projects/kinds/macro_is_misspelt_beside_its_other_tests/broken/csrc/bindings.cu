#include <torch/extension.h>

at::Tensor scale(const at::Tensor& input) {
#ifdef GAUDI2
  return input.mul(2);
#else
  return input * 2;
#endif
}

at::Tensor shift(const at::Tensor& input) {
#ifdef GAUD2
  return input.add(2);
#else
  return input + 2;
#endif
}

at::Tensor fold(const at::Tensor& input) {
#ifdef GAUDI2
  return input.sum(0);
#else
  return input.sum();
#endif
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale", &scale);
  m.def("shift", &shift);
  m.def("fold", &fold);
}
