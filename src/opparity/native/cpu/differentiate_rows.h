// The gradients of one producer that reduces: docs/numerics.md, section 12. cpu/reduce.cpp includes
// this behind what it reads of a row.
#pragma once

namespace {

// What belongs to a token, backward.
template <typename Input, typename Gradient>
struct GradientRow {
  GradientRow(const Call& call, int64_t token)
      : row(call, token),
        gradient(reinterpret_cast<const typename Gradient::Storage*>(
            static_cast<const char*>(call.gradient) + token * call.gradient_row_bytes)),
        parameters(call.parameters),
        width(call.hidden_size) {}

  const Row<typename Input::Storage> row;
  const typename Gradient::Storage* gradient;
  const Parameters parameters;
  int64_t width;

  // Chunks of both dtypes are in turns or in order as the input's are.
  Chunk gradient_at(int64_t place) const {
    typename Gradient::Storage rest[kChunk] = {};
    const typename Gradient::Storage* from = gradient + place;
    if (width - place < kChunk) {
      std::memcpy(rest, from, static_cast<size_t>(width - place) * sizeof rest[0]);
      from = rest;
    }
    return load_chunk<Gradient, Input::kInTurns>(from);
  }
  Chunk gate_at(int64_t place) const { return load_some<Input>(row.gate + place, width - place); }
  // The gradient of the normalised element times its column's factor.
  Chunk terms_at(int64_t place) const {
    Chunk terms = gradient_at(place);
    if constexpr (Producer::kTakesGate) {
      const Chunk gate = gate_at(place);
      terms.first = terms.first * Producer::gate(gate.first, parameters);
      terms.second = terms.second * Producer::gate(gate.second, parameters);
    }
    return terms;
  }
  // That product, or as it is without a weight.
  Chunk times_column(Chunk x, int64_t place) const {
    if (row.weight == nullptr) return x;
    const Chunk weight = load_some<Input>(row.weight + place, width - place);
    x.first = x.first * Producer::column(weight.first, parameters);
    x.second = x.second * Producer::column(weight.second, parameters);
    return x;
  }
};

template <typename Input, typename Gradient>
OPPARITY_FUNCTION void differentiate_gate(const GradientRow<Input, Gradient>& from, int64_t place,
                                          const Chunk& x, float factor,
                                          typename Input::Storage* to) {
  const Chunk normalised{x.first * factor, x.second * factor};
  const Chunk product = from.times_column(normalised, place);
  const Chunk gradient = from.gradient_at(place), gate = from.gate_at(place);
  const Number first =
      (gradient.first * product.first) * Producer::gate_slope(gate.first, from.parameters);
  const Number second =
      (gradient.second * product.second) * Producer::gate_slope(gate.second, from.parameters);
  store_some<Input>(to + place, {first, second}, from.width - place);
}

template <typename Input, typename Gradient>
void differentiate_row(const Call& call, const Piece& piece) {
  using Storage = typename Input::Storage;
  const int64_t token = piece.token, width = call.hidden_size;
  const GradientRow<Input, Gradient> from(call, token);
  const float factor = reduce<Input>(call, token);
  if (call.workspace != nullptr) call.workspace[token] = factor;
  const auto products = [&](int64_t place, Chunk& one, Chunk& other) {
    one = from.times_column(from.terms_at(place), place);
    other = elements_at<Input>(from.row, place, width - place);
  };
  const Number dot = sum_row<Input>(products, width);
  const Number share = share_of_row(dot, all(factor), inverse_width_of(call));
  const auto row_of = [&](const void* base, int64_t row_bytes) {
    return reinterpret_cast<Storage*>(reinterpret_cast<uintptr_t>(base) +
                                      static_cast<uintptr_t>(token * row_bytes));
  };
  Storage* to = row_of(call.values, call.values_row_bytes);
  const Storage* added = row_of(call.sum_gradient, call.sum_gradient_row_bytes);
  for (int64_t place = 0; place < width; place += kChunk) {
    Chunk scaled, x;
    products(place, scaled, x);
    Chunk inner{fused_multiply_add(-share, x.first, scaled.first),
                fused_multiply_add(-share, x.second, scaled.second)};
    if (call.sum_gradient == nullptr) {
      inner.first = all(factor) * inner.first;
      inner.second = all(factor) * inner.second;
    } else {
      const Chunk more = load_some<Input>(added + place, width - place);
      inner.first = fused_multiply_add(all(factor), inner.first, more.first);
      inner.second = fused_multiply_add(all(factor), inner.second, more.second);
    }
    store_some<Input>(to + place, inner, width - place);
    if constexpr (Producer::kTakesGate) {
      differentiate_gate(from, place, x, factor,
                         row_of(call.gate_gradient, call.gate_gradient_row_bytes));
    }
  }
}

// The weight's gradient, for a block of columns.
template <typename Input, typename Gradient>
void sum_columns(const Call& call, int64_t block) {
  constexpr int64_t kColumns = opparity::kColumnsOfABlock;
  const int64_t begin = block * kColumns;
  const int64_t end = std::min(begin + kColumns, call.hidden_size);
  alignas(64) float sums[kColumnAccumulators][kColumns] = {};
  for (int64_t token = 0; token < call.num_tokens; ++token) {
    const GradientRow<Input, Gradient> from(call, token);
    const float factor = call.workspace[token];
    float* own = sums[token % kColumnAccumulators];
    for (int64_t place = begin; place < end; place += kChunk, own += kChunk) {
      const Chunk terms = from.terms_at(place);
      const Chunk x = elements_at<Input>(from.row, place, call.hidden_size - place);
      store(own, fused_multiply_add(terms.first, x.first * factor, load<Number>(own)));
      store(own + kLanes,
            fused_multiply_add(terms.second, x.second * factor, load<Number>(own + kLanes)));
    }
  }
  for (int distance = 1; distance < kColumnAccumulators; distance *= 2) {
    for (int i = 0; i < kColumnAccumulators; i += 2 * distance) {
      for (int64_t j = 0; j < kColumns; j += kLanes) {
        store(sums[i] + j, load<Number>(sums[i] + j) + load<Number>(sums[i + distance] + j));
      }
    }
  }
  auto* to = static_cast<typename Input::Storage*>(call.weight_gradient);
  const float* total = sums[0];
  for (int64_t place = begin; place < end; place += kChunk, total += kChunk) {
    const Chunk sum{load<Number>(total) + 0.0f, load<Number>(total + kLanes) + 0.0f};
    store_some<Input>(to + place, sum, call.hidden_size - place);
  }
}

}  // namespace
