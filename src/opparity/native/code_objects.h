// Where the precompiled kernels lie, which GPUs torch was built for, and the stream to launch on.
#pragma once

#include <string>

namespace opparity {

// The path of a code object in the folder that Python named by opparity::use_code_objects.
std::string code_object_path(const std::string& name);

// Whether Python named ROCm there: torch for ROCm has its kernels under the key CUDA too.
bool is_rocm();

// torch's current stream of a device. Throws std::runtime_error where torch has no GPU.
void* current_stream(int device);

}  // namespace opparity
