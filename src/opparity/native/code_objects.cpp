#include "native/code_objects.h"

#include <dlfcn.h>
#include <torch/csrc/stable/library.h>

#include <stdexcept>

#include "native/checks.h"

namespace opparity {
namespace {

std::string& folder() {
  static std::string path;
  return path;
}

void use_code_objects(StringHandle path) { folder() = take_string(path); }

using CurrentStream = int (*)(int, void**);

// libtorch_cuda is not linked: it is looked up in the process that has CUDA tensors, and so has it.
CurrentStream find_current_stream() {
  void* library = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) throw std::runtime_error("libtorch_cuda.so is not loaded here");
  void* symbol = dlsym(library, "aoti_torch_get_current_cuda_stream");
  if (symbol == nullptr) {
    throw std::runtime_error("libtorch_cuda.so has no aoti_torch_get_current_cuda_stream");
  }
  return reinterpret_cast<CurrentStream>(symbol);
}

}  // namespace

std::string code_object_path(const std::string& file_name) { return folder() + "/" + file_name; }

void* current_cuda_stream(int device) {
  static const CurrentStream current = find_current_stream();
  void* stream = nullptr;
  if (current(device, &stream) != 0) {
    throw std::runtime_error("torch has no current stream for device " + std::to_string(device));
  }
  return stream;
}

}  // namespace opparity

STABLE_TORCH_LIBRARY_FRAGMENT(opparity, library) {
  library.def("use_code_objects(str folder) -> ()");
}

STABLE_TORCH_LIBRARY_IMPL(opparity, CompositeExplicitAutograd, library) {
  library.impl("use_code_objects", TORCH_BOX(&opparity::use_code_objects));
}
