#include <torch/extension.h>

template <typename T>
at::Tensor array2tensor(std::vector<T> values) {
  return at::tensor(values);
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("array2tensor", &array2tensor<float>);
  m.def("arrya2tensor", &array2tensor<int64_t>);
}
