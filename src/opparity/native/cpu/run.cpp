#include "native/cpu/run.h"

#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <cstring>

#include "native/cpu/capability.h"
#include "native/cpu/floating_point.h"
#include "native/cpu/kernel.h"

namespace opparity {
namespace {

// A piece of work for one thread: 32,768 elements take some 15 microseconds on one core of a Xeon
// with the AVX-512 kernel and 22 with the AVX2 one (docs/benchmarks.md).
constexpr int64_t kElementsPerTask = 32768;
// A table of activations is 256 KiB, which a smaller call would not find in its cache.
constexpr int64_t kLeastElementsOfATable = 1 << 20;

// Two vectors of AVX-512, which it works on at a time.
constexpr int64_t kLeastGroupOfAvx512 = 32;

Kernel kernel_of_this_processor(const Call& call) {
  switch (cpu_capability()) {
#ifdef OPPARITY_HAS_avx512
    case CpuCapability::kAvx512:
      // Such a processor runs the other kernel too, which is faster with smaller groups.
      if (elements_of_a_unit(call) >= kLeastGroupOfAvx512) return avx512::compute;
      [[fallthrough]];
#endif
#ifdef OPPARITY_HAS_avx2
    case CpuCapability::kAvx2:
      return avx2::compute;
#endif
    default:
      return baseline::compute;
  }
}

bool looks_up_activations(const Call& call) {
  return cpu_capability() == CpuCapability::kAvx512 && gathers_quickly() &&
         call.num_tokens * call.hidden_size >= kLeastElementsOfATable;
}

}  // namespace

void run_on_cpu(const Call& call) {
  if (call.cleared_bytes > 0) {
    std::memset(call.cleared, 0, static_cast<size_t>(call.cleared_bytes));
  }
  const int64_t work = work_of(call);
  if (work == 0) return;
  const Kernel kernel = kernel_of_this_processor(call);
  const bool looks_up = looks_up_activations(call);
  const int64_t grain = std::max<int64_t>(kElementsPerTask / elements_of_work(call), 1);
  torch::stable::parallel_for(0, work, grain, [&](int64_t begin, int64_t end) {
    const DefaultFloatingPoint environment;
    kernel(call, looks_up, begin, end);
  });
}

}  // namespace opparity
