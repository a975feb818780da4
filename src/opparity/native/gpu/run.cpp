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

// A tile for each 128 tokens is in the grid's second dimension.
void check_size_of_columns(const Call& call) {
  constexpr int64_t kMost = kMostRows * kTileOfColumns;
  if (call.columns.values == nullptr || call.num_tokens <= kMost) return;
  throw std::runtime_error(std::string(kProducerFacts[static_cast<size_t>(call.producer)].name) +
                           ": " + std::to_string(call.num_tokens) +
                           " tokens with columns; allowed on a GPU: at most " +
                           std::to_string(kMost) + "; split the input");
}

}  // namespace

void run_on_gpu(const Call& call) {
  // Without a row the weight's gradient is zero, which the second launch writes.
  if (call.num_tokens == 0 && call.weight_gradient == nullptr) return;
  check_size(call);
  check_size_of_columns(call);
  KernelCache& cache = kernel_cache();
  const GpuFacts& facts = cache.facts(call.device);
  const Chip chip{facts.multiprocessors, facts.threads_of_a_multiprocessor,
                  facts.gigabytes_per_second};
  const Shape shape = shape_of(call, chip);
  const Variant variant = variant_of(call, shape);
  const auto function_of = [&](const Variant& wanted) {
    return cache.function(call.device, key_of(wanted),
                          [&] { return KernelSource{name_of(wanted), defines_of(wanted)}; });
  };
  void* stream = current_stream(call.device);
  const auto launch = [&](void* function) {
    return [&, function](const Grid& grid, const KernelArguments& arguments) {
      cache.launch(call.device, function, grid, &arguments, sizeof arguments, stream,
                   /*overlaps=*/true);
    };
  };
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
  if (call.columns.cleared_bytes > 0) {
    // Many rows of many groups: padding is cleared by nobody else.
    cleared.columns.place.padded_tokens = cleared.columns.place.padded_groups = 0;
    cache.clear_memory(call.device, call.columns.cleared,
                       static_cast<size_t>(call.columns.cleared_bytes), stream);
  }
  if (call.num_tokens > 0) {
    for_each_launch(cleared, shape, variant.group_size, chip, launch(function_of(variant)));
  }
  if (call.weight_gradient == nullptr) return;
  Variant adding = variant;
  adding.adds = true;
  launch_sum_of_columns(call, shape, launch(function_of(adding)));
}

}  // namespace opparity
