#include "ops.h"

namespace marlin {

__global__ void gptq_to_marlin(int* packed) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 750
  packed[0] = 1;
#endif
}

}  // namespace marlin

torch::Tensor gptq_to_marlin(torch::Tensor weights) {
  marlin::gptq_to_marlin<<<1, 1>>>(weights.data_ptr<int>());
  return weights;
}
