#include <torch/library.h>

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 500
__device__ float folded(float value) { return value * 2; }
#endif
#if defined(__CUDA_ARCH__)
__device__ float folded(float value) { return value + value; }
#endif

__global__ void fold_kernel(float* values) { values[threadIdx.x] = folded(values[threadIdx.x]); }

at::Tensor fold(const at::Tensor& input) {
  fold_kernel<<<1, 32>>>(input.data_ptr<float>());
  return input;
}

TORCH_LIBRARY(demo, library) { library.def("fold(Tensor(a!) input) -> Tensor(a!)", &fold); }

PyMODINIT_FUNC PyInit__C() {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_C"};
  return PyModule_Create(&definition);
}
