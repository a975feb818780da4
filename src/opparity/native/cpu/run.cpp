#include "native/cpu/run.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "native/cpu/capability.h"
#include "native/cpu/floating_point.h"
#include "native/cpu/kernel.h"
#include "native/cpu/scale_place.h"
#include "native/cpu/threads.h"
#include "native/experts.h"

namespace opparity {
namespace {

// A piece of work for one thread: 32,768 elements take some 15 microseconds on one core of a Xeon
// with the AVX-512 kernel and 22 with the AVX2 one (docs/benchmarks.md).
constexpr int64_t kElementsPerTask = 32768;
// A table of activations is 256 KiB, which a smaller call would not find in its cache.
constexpr int64_t kLeastElementsOfATable = 1 << 20;

// Two vectors of AVX-512, which it works on at a time.
constexpr int64_t kLeastGroupOfAvx512 = 32;

struct Kernels {
  Kernel compute, sum_columns, with_columns;
};

Kernels kernels_of_this_processor(const Call& call) {
  switch (cpu_capability()) {
#ifdef OPPARITY_HAS_avx512
    case CpuCapability::kAvx512:
      // Such a processor runs the other kernel too, which is faster with smaller groups.
      if (elements_of_a_unit(call) >= kLeastGroupOfAvx512)
        return {avx512::compute, avx512::sum_columns, avx512::with_columns};
      [[fallthrough]];
#endif
#ifdef OPPARITY_HAS_avx2
    case CpuCapability::kAvx2:
      return {avx2::compute, avx2::sum_columns, avx2::with_columns};
#endif
    default:
      return {baseline::compute, baseline::sum_columns, baseline::with_columns};
  }
}

bool looks_up_activations(int64_t elements) {
  return cpu_capability() == CpuCapability::kAvx512 && gathers_quickly() &&
         elements >= kLeastElementsOfATable;
}

int64_t grain_of(const Call& call) {
  return std::max<int64_t>(kElementsPerTask / elements_of_work(call), 1);
}

// The valid rows of an expert as a call of their own, and the work of those before.
struct Part {
  Call call;
  int64_t begin, end;
};

Call call_of_expert(const Call& call, int64_t expert, const ExpertRows& rows) {
  Call part = call;
  part.num_tokens = rows.count;
  part.input = static_cast<const char*>(call.input) + rows.first * call.input_row_bytes;
  part.values = static_cast<char*>(call.values) + rows.first * call.values_row_bytes;
  const ExpertScales scales = scales_of_expert(call.experts, expert, rows.first);
  if (call.scales != nullptr) part.scales = static_cast<char*>(call.scales) + scales.bytes;
  part.first_scale_token = scales.first_token;
  if (call.given_scale != nullptr) part.given_scale += expert * call.experts.scale_step;
  if (call.row_weights != nullptr) part.row_weights += rows.first;
  return part;
}

// Writes zeros to the scales of rows, counted from an expert's first, from a group on.
void clear_scales(const Call& part, int64_t first_row, int64_t rows, int64_t first_group) {
  if (part.scales == nullptr) return;
  const int64_t groups = part.is_by_token ? 1
                         : part.group_size == 0
                             ? 0
                             : (part.hidden_size + part.group_size - 1) / part.group_size;
  const int64_t end = std::max(groups, part.place.padded_groups);
  const size_t bytes = part.scale_is_byte ? 1 : sizeof(float);
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t group = std::min(first_group, groups); group < end; ++group) {
      const int64_t token = part.first_scale_token + first_row + row;
      std::memset(static_cast<char*>(part.scales) + scale_offset(part.place, token, group), 0,
                  bytes);
    }
  }
}

std::vector<Part> parts_of(const Call& call) {
  std::vector<Part> parts;
  int64_t before = 0, work = 0;
  for (int64_t expert = 0; expert < call.experts.count; ++expert) {
    const ExpertRows rows = rows_of_expert(call.experts, call.num_tokens, expert, before);
    before = std::max(before, mark_of(call.experts, call.num_tokens, expert));
    const Call part = call_of_expert(call, expert, rows);
    clear_scales(part, rows.count, rows.gap, 0);
    if (call.place.padded_groups > 0) clear_scales(part, 0, rows.count, call.hidden_size);
    const int64_t begin = work;
    work += work_of(part);
    if (rows.count > 0) parts.push_back({part, begin, work});
  }
  return parts;
}

void run_with_columns(const Call& call) {
  if (call.columns.cleared_bytes > 0) {
    std::memset(call.columns.cleared, 0, static_cast<size_t>(call.columns.cleared_bytes));
  }
  const Kernel kernel = kernels_of_this_processor(call).with_columns;
  const bool looks_up = looks_up_activations(call.num_tokens * call.hidden_size);
  share(0, token_blocks_of(call), 1, [&](int64_t begin, int64_t end) {
    const DefaultFloatingPoint environment;
    kernel(call, looks_up, begin, end);
  });
}

void run_experts(const Call& call) {
  const std::vector<Part> parts = parts_of(call);
  if (parts.empty()) return;
  const int64_t work = parts.back().end;
  const Kernel kernel = kernels_of_this_processor(call).compute;
  const bool looks_up = looks_up_activations(work * elements_of_work(call));
  share(0, work, grain_of(call), [&](int64_t begin, int64_t end) {
    const DefaultFloatingPoint environment;
    for (const Part& part : parts) {
      const int64_t first = std::max(begin, part.begin), last = std::min(end, part.end);
      if (first < last) kernel(part.call, looks_up, first - part.begin, last - part.begin);
    }
  });
}

}  // namespace

void run_on_cpu(const Call& call) {
  if (call.experts.layout != ExpertLayout::kNone) {
    run_experts(call);
    return;
  }
  if (call.cleared_bytes > 0) {
    std::memset(call.cleared, 0, static_cast<size_t>(call.cleared_bytes));
  }
  if (call.columns.values != nullptr) {
    run_with_columns(call);
    return;
  }
  const int64_t work = work_of(call);
  const Kernels kernels = kernels_of_this_processor(call);
  const bool looks_up = looks_up_activations(call.num_tokens * call.hidden_size);
  if (work > 0)
    share(0, work, grain_of(call), [&](int64_t begin, int64_t end) {
      const DefaultFloatingPoint environment;
      kernels.compute(call, looks_up, begin, end);
    });
  if (call.weight_gradient == nullptr) return;
  share(0, column_blocks_of(call), 1, [&](int64_t begin, int64_t end) {
    const DefaultFloatingPoint environment;
    kernels.sum_columns(call, looks_up, begin, end);
  });
}

}  // namespace opparity
