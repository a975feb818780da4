#include "gemm.h"

at::Tensor gemm_forward(const at::Tensor& a, const at::Tensor& b) {
  return a.matmul(b);
}
