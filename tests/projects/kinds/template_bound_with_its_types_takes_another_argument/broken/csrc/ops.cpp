#include "scale.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale_float", &demo::scale<float>, "scales");
  m.def("scale_half", &demo::scale<at::Half>, "scales");
  m.def("joined", &demo::joined<at::Tensor, at::Tensor, at::Tensor>);
}
