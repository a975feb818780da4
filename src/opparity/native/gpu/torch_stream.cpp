#include "native/gpu/torch_stream.h"

#include <dlfcn.h>

#include <stdexcept>
#include <string>

#include "native/gpu/kernel_cache.h"
#include "native/gpu/library.h"

namespace opparity {
namespace {

struct TorchLibrary {
  void* handle;
  bool is_rocm;
};

TorchLibrary find_torch_library() {
  constexpr const char* kCuda = "libtorch_cuda.so";
  constexpr const char* kRocm = "libtorch_hip.so";
  for (const char* name : {kCuda, kRocm}) {
    void* library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
    if (library != nullptr) return {library, name == kRocm};
  }
  throw std::runtime_error(std::string("torch has no GPU here: neither ") + kCuda + " nor " +
                           kRocm + " is loaded; install a torch that is built for one");
}

// It is looked up in the process that has GPU tensors, and so has it.
const TorchLibrary& torch_library() {
  static const TorchLibrary library = find_torch_library();
  return library;
}

using CurrentStream = int (*)(int, void**);

// The function has the same name in both libraries.
CurrentStream find_current_stream() {
  CurrentStream found = nullptr;
  find_symbol(torch_library().handle, "aoti_torch_get_current_cuda_stream",
              "torch's GPU library hands out no stream", found);
  return found;
}

}  // namespace

bool is_rocm() { return torch_library().is_rocm; }

void* current_stream(int device) {
  static const CurrentStream current = find_current_stream();
  void* stream = nullptr;
  if (current(device, &stream) != 0) {
    throw std::runtime_error("torch has no current stream for device " + std::to_string(device));
  }
  return stream;
}

KernelCache& kernel_cache() {
  // Never destroyed: a thread may still launch when the process ends.
  static KernelCache& cache =
      *(is_rocm() ? new KernelCache(hip_driver, hiprtc) : new KernelCache(cuda_driver, nvrtc));
  return cache;
}

}  // namespace opparity
