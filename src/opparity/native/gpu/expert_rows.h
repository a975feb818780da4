// What kernels of experts' rows do beside the others: gpu/experts.h finds the rows.
#pragma once

namespace {

// Gives the scales behind an expert's rows zeros, where another's begin at a multiple.
OPPARITY_FUNCTION void clear_gaps(const KernelArguments& arguments, const ExpertTable& table,
                                  uint32_t first, uint32_t step) {
  const opparity::Experts& experts = arguments.experts;
  if (experts.layout != opparity::ExpertLayout::kPsum || arguments.scales == nullptr) return;
  // By token there is one.
  constexpr uint32_t kSize = kGroupSize == 0 ? 1u << 31 : kGroupSize;
  const uint32_t groups = (arguments.hidden_size - 1) / kSize + 1;
  const auto padded = static_cast<uint32_t>(arguments.place.padded_groups);
  const uint32_t columns = padded > groups ? padded : groups;
  for (uint32_t expert = first; expert < experts.count; expert += step) {
    const uint32_t count = table.ends[expert] - (expert == 0 ? 0 : table.ends[expert - 1]);
    const int64_t end = int64_t{table.firsts[expert]} + count;
    const int64_t next = opparity::next_multiple(end, experts.multiple);
    const int64_t behind = opparity::limited(next, 0, arguments.num_tokens);
    for (auto row = static_cast<uint32_t>(end); row < behind; ++row) {
      for (uint32_t group = thread_index(); group < columns; group += arguments.threads) {
        char* address = arguments.scales + scale_offset(arguments.place, row, group);
        if constexpr (OPPARITY_SCALE_IS_BYTE) {
          *address = 0;
        } else {
          *reinterpret_cast<float*>(address) = 0.0f;
        }
      }
    }
  }
}

// A block takes a part of a row, and then of another, which it reads while it works.
template <typename Functor, typename Format>
OPPARITY_FUNCTION void forward_by_experts(const KernelArguments& arguments) {
  OPPARITY_SHARED ExpertTable experts;
  let_next_kernel_start();
  wait_for_previous_kernel();
  fill_experts(arguments, experts);
  const uint32_t rows = valid_rows(arguments, experts);
  Place place, next_place;
  Elements elements, next_elements;
  if (find_place(arguments, arguments.pieces, first_piece(arguments), place)) {
    next_place = place;
    const auto load = [&](uint32_t row, Place& there, Elements& loaded) {
      if (row >= rows) return false;
      find_row(arguments, experts, row, there);
      load_input(arguments, there, loaded);
      return true;
    };
    uint32_t row = block_index_y();
    bool goes_on = load(row, place, elements);
    while (goes_on) {
      row += arguments.step;
      goes_on = load(row, next_place, next_elements);
      Number products[kElements];
      const uint32_t amax = produce<Functor>(arguments, place, elements, products);
      write<Format>(arguments, place, products, amax);
      place = next_place;
      elements = next_elements;
    }
  }
  if constexpr (kGroupSize > 0) {
    if (block_index_x() == 0) clear_gaps(arguments, experts, block_index_y(), arguments.step);
  }
}

}  // namespace
