// NVRTC.
#include <algorithm>
#include <stdexcept>

#include "native/gpu/compiler.h"
#include "native/gpu/library.h"
#include "native/gpu/program.h"

namespace opparity {
namespace {

constexpr const char* kAdvice =
    "NVRTC of CUDA 12 or newer is needed: install nvidia-cuda-nvrtc (CUDA 13) or "
    "nvidia-cuda-nvrtc-cu12, whichever torch was built for, or let the reference serve with "
    "OPPARITY_FORBID=native";

void* open() {
  std::vector<std::string> names;
  const std::string torch = path_of_loaded("libtorch_cpu.so");
  if (!torch.empty()) {
    const std::string folder = folder_of(torch);
    // torch's own access to NVRTC, linked to the one that it was built with; then the wheels that
    // torch asks for.
    names = {folder + "libcaffe2_nvrtc.so", folder + "../../nvidia/cu13/lib/libnvrtc.so.13",
             folder + "../../nvidia/cuda_nvrtc/lib/libnvrtc.so.12"};
  }
  names.insert(names.end(), {"libnvrtc.so.13", "libnvrtc.so.12"});
  return open_library("NVRTC", names, kAdvice);
}

class Nvrtc final : public RuntimeCompiler {
 public:
  Nvrtc() {
    void* library = open();
    functions_ = find_program_functions(library, "nvrtc", kAdvice);
    find_symbol(library, "nvrtcGetCUBINSize", kAdvice, machine_code_.size);
    find_symbol(library, "nvrtcGetCUBIN", kAdvice, machine_code_.read);
    find_symbol(library, "nvrtcGetPTXSize", kAdvice, ptx_.size);
    find_symbol(library, "nvrtcGetPTX", kAdvice, ptx_.read);
    find_symbol(library, "nvrtcGetNumSupportedArchs", kAdvice, count_architectures_);
    find_symbol(library, "nvrtcGetSupportedArchs", kAdvice, list_architectures_);
    open_builtins();
  }

  std::string version() const override { return version_of(functions_, "NVRTC"); }

  std::string path() const override {
    return file_of(reinterpret_cast<const void*>(functions_.create));
  }

  // A chip that is newer than the compiler gets PTX, which its driver translates.
  std::vector<char> compile(const KernelSource& source,
                            const std::string& architecture) const override {
    const int chip = std::stoi(architecture.substr(architecture.find('_') + 1));
    const int known = newest_known_for(chip);
    const bool is_exact = known == chip;
    return compile_program(
        functions_, is_exact ? machine_code_ : ptx_, source,
        {(is_exact ? "--gpu-architecture=sm_" : "--gpu-architecture=compute_") +
             std::to_string(known),
         "-default-device", "-std=c++20", "-fmad=false", "-prec-div=true", "-ftz=false"},
        version(), architecture);
  }

 private:
  // NVRTC opens this library by its name when it compiles. In a wheel it lies beside NVRTC, in a
  // folder that the loader does not search; elsewhere the loader finds it.
  void open_builtins() const {
    int major = 0;
    int minor = 0;
    if (functions_.version(&major, &minor) != 0) return;
    const std::string name =
        "libnvrtc-builtins.so." + std::to_string(major) + "." + std::to_string(minor);
    dlopen((folder_of(path()) + name).c_str(), RTLD_NOW);
  }

  int newest_known_for(int chip) const {
    int count = 0;
    std::vector<int> known;
    if (count_architectures_(&count) == 0) known.resize(count);
    if (known.empty() || list_architectures_(known.data()) != 0) {
      throw std::runtime_error(version() + " does not say which architectures it knows");
    }
    std::erase_if(known, [&](int architecture) { return architecture > chip; });
    if (known.empty()) {
      throw std::runtime_error(version() + " makes no code for a chip as old as sm_" +
                               std::to_string(chip) +
                               "; install a torch built for an older CUDA, or let the reference "
                               "serve with OPPARITY_FORBID=native");
    }
    return *std::max_element(known.begin(), known.end());
  }

  ProgramFunctions functions_;
  ProgramResult machine_code_;
  ProgramResult ptx_;
  int (*count_architectures_)(int*);
  int (*list_architectures_)(int*);
};

}  // namespace

const RuntimeCompiler& nvrtc() {
  static const Nvrtc compiler;
  return compiler;
}

}  // namespace opparity
