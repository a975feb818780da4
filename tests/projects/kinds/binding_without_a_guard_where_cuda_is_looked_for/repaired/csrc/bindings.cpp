#include <torch/extension.h>

at::Tensor scale_cpu(const at::Tensor& input);
#if defined(WITH_CUDA)
at::Tensor scale_cuda(const at::Tensor& input);
#endif

PYBIND11_MODULE(_C, m) {
  m.def("scale_cpu", &scale_cpu);
#if defined(WITH_CUDA)
  m.def("scale_cuda", &scale_cuda);
#endif
}
