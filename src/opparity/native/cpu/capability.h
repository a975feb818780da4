// Which of the compiled kernels this processor can run.
#pragma once

namespace opparity {

enum class CpuCapability { kBaseline, kAvx2, kAvx512 };

// The best that processor and build have, or the one that OPPARITY_CPU_CAPABILITY names.
// Throws std::runtime_error where that name is unknown or the processor cannot run it.
CpuCapability cpu_capability();

// Its name, as OPPARITY_CPU_CAPABILITY and `opparity doctor` spell it.
const char* cpu_capability_name(CpuCapability capability);

// Whether 16 numbers are read from a table sooner than some twenty instructions take: true of
// Intel's processors with AVX-512 from Sapphire Rapids on, one of which was measured. Earlier ones'
// gathers are slowed by what their microcode does against Gather Data Sampling. No others were
// measured, so they compute.
bool gathers_quickly();

}  // namespace opparity
