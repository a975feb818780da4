__global__ void reduce_kernel(float* values) {
  float value = values[threadIdx.x];
  value += __shfl_xor_sync(0xffffffff, value, 16);
  values[threadIdx.x] = value;
}

void reduce(float* values) { reduce_kernel<<<1, 32>>>(values); }
