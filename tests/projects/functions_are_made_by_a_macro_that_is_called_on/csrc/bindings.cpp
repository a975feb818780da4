#include "ops.h"

torch::Tensor shift(const torch::Tensor& input) {
  return (shift_entry(), scale_entry(), input);
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("shift", &shift);
}
