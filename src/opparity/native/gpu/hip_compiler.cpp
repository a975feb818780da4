// HIPRTC.
#include <stdexcept>

#include "native/gpu/compiler.h"
#include "native/gpu/library.h"
#include "native/gpu/program.h"

namespace opparity {
namespace {

constexpr const char* kAdvice =
    "HIPRTC of ROCm 6 or newer is needed: install ROCm's libhiprtc, of the ROCm that torch was "
    "built for, or let the reference serve with OPPARITY_FORBID=native";

void* open() {
  constexpr const char* kNames[] = {"libhiprtc.so", "libhiprtc.so.7", "libhiprtc.so.6"};
  std::vector<std::string> names;
  const auto add = [&](const std::string& folder) {
    for (const char* name : kNames) names.push_back(folder + name);
  };
  // Beside the runtime that torch has loaded: torch's own folder, or ROCm's.
  for (const char* runtime : {"libamdhip64.so", "libamdhip64.so.7", "libamdhip64.so.6"}) {
    const std::string folder = folder_of_loaded(runtime);
    if (!folder.empty()) add(folder + "/");
  }
  const std::string torch = folder_of_loaded("libtorch_cpu.so");
  if (!torch.empty()) add(torch + "/");
  add("");
  add("/opt/rocm/lib/");
  try {
    return open_library("HIPRTC", names);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(std::string(error.what()) + ". " + kAdvice);
  }
}

class Hiprtc final : public RuntimeCompiler {
 public:
  Hiprtc() {
    void* library = open();
    functions_ = find_program_functions(library, "hiprtc", kAdvice);
    find_symbol(library, "hiprtcGetCodeSize", kAdvice, machine_code_.size);
    find_symbol(library, "hiprtcGetCode", kAdvice, machine_code_.read);
  }

  std::string version() const override { return version_of(functions_, "HIPRTC"); }

  std::string path() const override {
    return file_of(reinterpret_cast<const void*>(functions_.create));
  }

  std::vector<char> compile(const KernelSource& source,
                            const std::string& architecture) const override {
    return compile_program(
        functions_, machine_code_, source,
        {"--offload-arch=" + architecture, "-O3", "-std=c++20", "-ffp-contract=off"}, version(),
        architecture);
  }

 private:
  ProgramFunctions functions_;
  ProgramResult machine_code_;
};

}  // namespace

const RuntimeCompiler& hiprtc() {
  static const Hiprtc compiler;
  return compiler;
}

}  // namespace opparity
