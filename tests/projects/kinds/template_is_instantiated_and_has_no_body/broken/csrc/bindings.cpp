#include <torch/extension.h>

#include "pooling.h"

template <typename T>
void pool(const at::Tensor& input, at::Tensor& output) {
  pool_rows<T>(input.data_ptr<T>(), output.data_ptr<T>(), input.numel());
}

void scale(const at::Tensor& input, at::Tensor& output) {
  pool<float>(input, output);
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("scale", &scale);
}
