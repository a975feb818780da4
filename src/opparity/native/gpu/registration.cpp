// What `opparity doctor` and `opparity.warm_up` ask of the compiler.
#include <torch/csrc/stable/library.h>

#include <string>

#include "native/gpu/compiler.h"
#include "native/gpu/kernel_cache.h"
#include "native/gpu/torch_stream.h"

namespace {

using opparity::kernel_cache;

const opparity::RuntimeCompiler& compiler() {
  return opparity::is_rocm() ? opparity::hiprtc() : opparity::nvrtc();
}

std::string gpu_compiler() { return compiler().version() + ", " + compiler().path(); }

int64_t compiled_kernels() { return kernel_cache().cost().kernels; }

double compile_seconds() { return kernel_cache().cost().seconds; }

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(opparity, library) {
  library.def("gpu_compiler() -> str");
  library.def("compiled_kernels() -> int");
  library.def("compile_seconds() -> float");
}

STABLE_TORCH_LIBRARY_IMPL(opparity, CompositeExplicitAutograd, library) {
  library.impl("gpu_compiler", TORCH_BOX(&gpu_compiler));
  library.impl("compiled_kernels", TORCH_BOX(&compiled_kernels));
  library.impl("compile_seconds", TORCH_BOX(&compile_seconds));
}
