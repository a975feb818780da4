#include <torch/extension.h>

template <typename T>
void scale_cuda(at::Tensor& x);

void scale(at::Tensor& x) { scale_cuda<float>(x); }

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("scale", &scale); }
