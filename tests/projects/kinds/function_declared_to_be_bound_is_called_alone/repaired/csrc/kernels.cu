#include <torch/extension.h>

at::Tensor fused_norm_cuda(const at::Tensor& input) {
  return input.norm();
}

at::Tensor fused_scale_cuda(const at::Tensor& input) {
  return input * 2;
}

at::Tensor fused_shift_cuda(const at::Tensor& input) {
  return input + 1;
}

at::Tensor fused_lamb_cuda(const at::Tensor& input) {
  return input / fused_norm_cuda(input);
}
