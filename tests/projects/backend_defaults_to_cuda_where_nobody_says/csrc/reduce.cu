#ifndef USE_ROCM
__global__ void only_cuda(float* x) { *x = __shfl_xor_sync(0xffffffffu, *x, 1); }
#endif

__global__ void everywhere(float* x) {
  *x = __shfl_xor_sync(0xffffffffu, *x, 1);
}
