#include <torch/extension.h>

at::Tensor scale_cpu(const at::Tensor& input);
at::Tensor scale_cuda(const at::Tensor& input);

PYBIND11_MODULE(_C, m) {
  m.def("scale_cpu", &scale_cpu);
  m.def("scale_cuda", &scale_cuda);
}
