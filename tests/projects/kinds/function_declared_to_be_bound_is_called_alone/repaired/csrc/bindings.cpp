#include <torch/extension.h>

at::Tensor fused_norm_cuda(const at::Tensor& input);
at::Tensor fused_scale_cuda(const at::Tensor& input);
at::Tensor fused_shift_cuda(const at::Tensor& input);
at::Tensor fused_lamb_cuda(const at::Tensor& input);

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("fused_norm", &fused_norm_cuda);
  m.def("fused_scale", &fused_scale_cuda);
  m.def("fused_shift", &fused_shift_cuda);
  m.def("fused_lamb", &fused_lamb_cuda);
}
