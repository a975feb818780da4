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
  const std::string kName = "libhiprtc.so", kRuntime = "libamdhip64.so";
  std::vector<std::string> names;
  // Beside the runtime that torch has loaded, and of its version: in torch's own folder, or ROCm's.
  const std::string runtime = path_of_loaded(kRuntime);
  if (!runtime.empty()) {
    const std::string folder = folder_of(runtime);
    names = {folder + kName + runtime.substr(folder.size() + kRuntime.size()), folder + kName};
  }
  for (const char* version : {"", ".7", ".6"}) names.push_back(kName + version);
  names.push_back("/opt/rocm/lib/" + kName);
  return open_library("HIPRTC", names, kAdvice);
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
