// Where the precompiled kernels lie, and the stream to launch them on.
#pragma once

#include <string>

namespace opparity {

// The path of a code object in the folder that Python named by opparity::use_code_objects.
std::string code_object_path(const std::string& file_name);

// torch's current stream of a device. Throws std::runtime_error where torch has no CUDA.
void* current_cuda_stream(int device);

}  // namespace opparity
