// What is asked of torch's GPU library, which is not linked.
#pragma once

namespace opparity {

// Whether this process has torch for ROCm, whose kernels are under the key CUDA too. Throws
// std::runtime_error where torch has no GPU.
bool is_rocm();

// torch's current stream of a device. Throws as `is_rocm` does.
void* current_stream(int device);

}  // namespace opparity
