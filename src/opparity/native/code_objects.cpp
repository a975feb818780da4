#include "native/code_objects.h"

#include <dlfcn.h>
#include <torch/csrc/stable/library.h>

#include <stdexcept>

#include "native/checks.h"

namespace opparity {
namespace {

struct Settings {
  std::string folder;
  bool is_rocm = false;
};

Settings& settings() {
  static Settings known;
  return known;
}

void use_code_objects(StringHandle folder, StringHandle platform) {
  settings().folder = take_string(folder);
  settings().is_rocm = take_string(platform) == "rocm";
}

using CurrentStream = int (*)(int, void**);

// torch's GPU library is not linked: it is looked up in the process that has GPU tensors, and so
// has it. The function has the same name in both.
CurrentStream find_current_stream() {
  const char* name = is_rocm() ? "libtorch_hip.so" : "libtorch_cuda.so";
  void* library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) throw std::runtime_error(std::string(name) + " is not loaded here");
  void* symbol = dlsym(library, "aoti_torch_get_current_cuda_stream");
  if (symbol == nullptr) {
    throw std::runtime_error(std::string(name) + " has no aoti_torch_get_current_cuda_stream");
  }
  return reinterpret_cast<CurrentStream>(symbol);
}

}  // namespace

std::string code_object_path(const std::string& name) { return settings().folder + "/" + name; }

bool is_rocm() { return settings().is_rocm; }

void* current_stream(int device) {
  static const CurrentStream current = find_current_stream();
  void* stream = nullptr;
  if (current(device, &stream) != 0) {
    throw std::runtime_error("torch has no current stream for device " + std::to_string(device));
  }
  return stream;
}

}  // namespace opparity

STABLE_TORCH_LIBRARY_FRAGMENT(opparity, library) {
  library.def("use_code_objects(str folder, str platform) -> ()");
}

STABLE_TORCH_LIBRARY_IMPL(opparity, CompositeExplicitAutograd, library) {
  library.impl("use_code_objects", TORCH_BOX(&opparity::use_code_objects));
}
