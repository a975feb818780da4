#include "compat.cuh"

__global__ void add_kernel(float* values) {
  values[threadIdx.x] += __shfl_xor_sync(0xffffffff, values[threadIdx.x], 1);
}

void add(float* values) { add_kernel<<<1, 32>>>(values); }
