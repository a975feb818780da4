#include <torch/extension.h>

__global__ void scale_kernel(float* values, float factor) { values[threadIdx.x] *= factor; }

void scale(torch::Tensor values, double factor) {
  scale_kernel<<<1, 32>>>(values.data_ptr<float>(), static_cast<float>(factor));
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("scale", &scale); }
