#include "ops.h"

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750
#else
namespace marlin {

__global__ void gptq_to_marlin(int* packed) { packed[0] = 1; }

}  // namespace marlin

torch::Tensor gptq_to_marlin(torch::Tensor weights) {
  marlin::gptq_to_marlin<<<1, 1>>>(weights.data_ptr<int>());
  return weights;
}
#endif
