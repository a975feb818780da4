// Compiling GPU kernels where they run, from the sources that the library carries, by NVRTC or
// HIPRTC. Both are opened when they are first needed, and neither is linked.
#pragma once

#include <string>
#include <vector>

namespace opparity {

// One variant of the kernel in gpu/kernel.h.
struct KernelSource {
  // For messages.
  std::string name;
  // Macros, such as "OPPARITY_PRODUCER=SiluAndMul".
  std::vector<std::string> defines;
};

// The kernel's name in every variant.
inline constexpr const char* kKernelName = "opparity_kernel";

// Each function may be called by several threads at once.
class RuntimeCompiler {
 public:
  virtual ~RuntimeCompiler() = default;
  // "NVRTC 13.0".
  virtual std::string version() const = 0;
  // Where the library was found.
  virtual std::string path() const = 0;
  // Compiles a variant for an architecture as GpuPlace names it, and returns what the driver loads.
  // Throws std::runtime_error with the compiler's log where it does not compile, and in words where
  // the compiler does not know the architecture.
  virtual std::vector<char> compile(const KernelSource& source,
                                    const std::string& architecture) const = 0;
};

// The compiler that torch brings. Each throws std::runtime_error, with what was tried and what to
// do, where there is none; and tries again when it is asked again.
const RuntimeCompiler& nvrtc();
const RuntimeCompiler& hiprtc();

}  // namespace opparity
