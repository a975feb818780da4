#include "native/gpu/run.h"

#include <stdexcept>
#include <string>

#include "native/gpu/kernel_cache.h"
#include "native/gpu/launches.h"
#include "native/gpu/torch_stream.h"
#include "native/gpu/variant.h"

namespace opparity {
namespace {

// Of padding, for each token's row of scales.
constexpr int64_t kMostClearedRows = 16;

void check_size(const Call& call) {
  if (call.hidden_size > kMostPieces || call.num_tokens > kMostTokens) {
    throw std::runtime_error(std::string(kProducerFacts[static_cast<size_t>(call.producer)].name) +
                             ": " + std::to_string(call.num_tokens) + " tokens of " +
                             std::to_string(call.hidden_size) +
                             " values; allowed on a GPU: below 2^31 of each; split the input");
  }
}

}  // namespace

void run_on_gpu(const Call& call) {
  if (call.num_tokens == 0) return;
  check_size(call);
  KernelCache& cache = kernel_cache();
  const GpuFacts& facts = cache.facts(call.device);
  const Chip chip{facts.multiprocessors, facts.threads_of_a_multiprocessor};
  const Shape shape = shape_of(call, chip);
  const Variant variant = variant_of(call, shape);
  void* function = cache.function(call.device, key_of(variant), [&] {
    return KernelSource{name_of(variant), defines_of(variant)};
  });
  void* stream = current_stream(call.device);
  // The kernel clears what is padding in tiles that are mostly scales. One lane then has some rows
  // to write: 16 x 7168 with groups of 32 took 2.70 us and 3.43 with a call that clears, but 1 x
  // 7168, where it would be 127 rows, 19.8 and 3.2 (H200).
  Call cleared = call;
  if (call.place.padded_tokens > kMostClearedRows * call.num_tokens) {
    cleared.place.padded_tokens = cleared.place.padded_groups = 0;
  }
  if (call.cleared_bytes > 0 && cleared.place.padded_tokens == 0) {
    cache.clear_memory(call.device, call.cleared, static_cast<size_t>(call.cleared_bytes), stream);
  }
  for_each_launch(cleared, shape, variant.group_size, chip,
                  [&](const Grid& grid, const KernelArguments& arguments) {
                    cache.launch(call.device, function, grid, &arguments, sizeof arguments, stream,
                                 /*overlaps=*/true);
                  });
}

}  // namespace opparity
