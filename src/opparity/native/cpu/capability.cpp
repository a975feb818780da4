#include "native/cpu/capability.h"

#include <torch/csrc/stable/library.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace opparity {
namespace {

bool runs(CpuCapability capability) {
  switch (capability) {
    case CpuCapability::kBaseline:
      return true;
    case CpuCapability::kAvx2:
#ifdef OPPARITY_HAS_avx2
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
             __builtin_cpu_supports("f16c");
#else
      return false;
#endif
    case CpuCapability::kAvx512:
#ifdef OPPARITY_HAS_avx512
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
#else
      return false;
#endif
  }
  return false;
}

constexpr CpuCapability kBestFirst[] = {CpuCapability::kAvx512, CpuCapability::kAvx2,
                                        CpuCapability::kBaseline};

CpuCapability choose() {
  const char* wish = std::getenv("OPPARITY_CPU_CAPABILITY");
  std::string allowed;
  for (CpuCapability capability : kBestFirst) {
    if (!runs(capability)) continue;
    if (wish == nullptr || *wish == '\0' || wish == std::string(cpu_capability_name(capability))) {
      return capability;
    }
    allowed += std::string(allowed.empty() ? "" : ", ") + cpu_capability_name(capability);
  }
  throw std::runtime_error("OPPARITY_CPU_CAPABILITY is '" + std::string(wish) +
                           "'; allowed on this processor: " + allowed + "; unset it for the best");
}

}  // namespace

CpuCapability cpu_capability() {
  static const CpuCapability capability = choose();
  return capability;
}

bool gathers_quickly() {
#ifdef OPPARITY_HAS_avx512
  // AVX512-FP16 came with Sapphire Rapids.
  static const bool answer = __builtin_cpu_is("intel") && __builtin_cpu_supports("avx512fp16");
  return answer;
#else
  return false;
#endif
}

const char* cpu_capability_name(CpuCapability capability) {
  switch (capability) {
    case CpuCapability::kBaseline:
      return "baseline";
    case CpuCapability::kAvx2:
      return "avx2";
    case CpuCapability::kAvx512:
      break;
  }
  return "avx512";
}

}  // namespace opparity

namespace {

std::string name_of_cpu_capability() {
  return opparity::cpu_capability_name(opparity::cpu_capability());
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(opparity, library) { library.def("cpu_capability() -> str"); }

STABLE_TORCH_LIBRARY_IMPL(opparity, CompositeExplicitAutograd, library) {
  library.impl("cpu_capability", TORCH_BOX(&name_of_cpu_capability));
}
