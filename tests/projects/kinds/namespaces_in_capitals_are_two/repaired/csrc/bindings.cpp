#include <torch/extension.h>

#include "backward.h"
#include "forward.h"

torch::Tensor rasterize(const torch::Tensor& input) {
  FORWARD::preprocess(1);
  BACKWARD::preprocess(1);
  return input;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("rasterize", &rasterize);
}
