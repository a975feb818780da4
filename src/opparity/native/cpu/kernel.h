// The CPU's kernels, one for each capability that is compiled.
#pragma once

#include <algorithm>

#include "native/call.h"

namespace opparity {

// A unit of work is a group, or so many elements of a row where there are no groups.
constexpr int64_t kElementsOfAUnit = 256;

inline int64_t elements_of_a_unit(const Call& call) {
  return call.group_size > 0 ? call.group_size : kElementsOfAUnit;
}

// Where gradients stand in halves, those of gates and of ups are computed together.
inline int64_t halves_of(const Call& call) { return has_gradients_in_halves(call) ? 2 : 1; }

inline int64_t units_of_a_row(const Call& call) {
  const int64_t elements = elements_of_a_unit(call);
  return (call.hidden_size / halves_of(call) + elements - 1) / elements;
}

inline int64_t units_of(const Call& call) { return call.num_tokens * units_of_a_row(call); }

// What threads share: units, or whole rows.
inline int64_t work_of(const Call& call) {
  return works_on_rows(call) ? call.num_tokens : units_of(call);
}

inline int64_t elements_of_work(const Call& call) {
  return works_on_rows(call) ? call.hidden_size : elements_of_a_unit(call);
}

// Computes the work [begin, end), counted token by token. `looks_up` reads an activation of 16-bit
// gates from a table where there is one.
using Kernel = void (*)(const Call&, bool looks_up, int64_t begin, int64_t end);

// Columns whose sums over all rows are taken at a time.
constexpr int64_t kColumnsOfABlock = 128;

inline int64_t column_blocks_of(const Call& call) {
  return (call.hidden_size + kColumnsOfABlock - 1) / kColumnsOfABlock;
}

// Tokens that are quantised by columns at a time: whole groups of them.
constexpr int64_t kTokensOfABlock = 256;

inline int64_t token_blocks_of(const Call& call) {
  return (call.num_tokens + kTokensOfABlock - 1) / kTokensOfABlock;
}

// `with_columns` computes blocks of tokens by rows and by columns; `sum_columns` writes the
// weight's gradient for blocks of columns, after `compute` has seen to all rows.
namespace baseline {
void compute(const Call&, bool looks_up, int64_t begin, int64_t end);
void sum_columns(const Call&, bool looks_up, int64_t begin, int64_t end);
void with_columns(const Call&, bool looks_up, int64_t begin, int64_t end);
}  // namespace baseline
namespace avx2 {
void compute(const Call&, bool looks_up, int64_t begin, int64_t end);
void sum_columns(const Call&, bool looks_up, int64_t begin, int64_t end);
void with_columns(const Call&, bool looks_up, int64_t begin, int64_t end);
}  // namespace avx2
namespace avx512 {
void compute(const Call&, bool looks_up, int64_t begin, int64_t end);
void sum_columns(const Call&, bool looks_up, int64_t begin, int64_t end);
void with_columns(const Call&, bool looks_up, int64_t begin, int64_t end);
}  // namespace avx512

}  // namespace opparity
