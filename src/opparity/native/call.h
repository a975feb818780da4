// One call of an operator after its checks: what the CPU kernel and the GPU's launcher take.
#pragma once

#include <cstdint>

#include "opparity_tables.h"

namespace opparity {

// A producer's numbers in the order of its table line, and their correctly rounded reciprocals.
struct Parameters {
  float value[kMostParameters];
  float reciprocal[kMostParameters];
};

// Where the scale of (token, group) lies, in bytes from the first:
//   (token / 128) * token_128 + (token / 32 % 4) * token_32 + (token % 32) * token +
//   (group / 4) * group_4 + (group % 4) * group.
// Where `is_tiled` is false that is token * `token` + group * `group`.
struct ScalePlace {
  bool is_tiled;
  int64_t token_128, token_32, token;
  int64_t group_4, group;
  // In tiles: how many tokens and groups there is room for, where a GPU's kernel writes zeros
  // behind the scales; 0 where they fill their tiles. Of experts' rows, in words as well, the
  // groups alone, by every kernel.
  int64_t padded_tokens, padded_groups;
};

// Where experts' rows are, whose numbers may be on a GPU; of no layout where every row is valid.
struct Experts {
  ExpertLayout layout;
  const int32_t* rows;
  // At which row of scales each expert's begin; nullptr where scales lie as rows do.
  const int32_t* scale_offsets;
  int64_t count;
  // Rows of each where they are masked.
  int64_t room;
  int64_t multiple;
  // From an expert's scales to the next one's where they are masked; with offsets, of a row.
  int64_t scale_bytes;
  // Room for scales, with offsets.
  int64_t scale_rows;
  // 1 where each expert has a given scale of its own, 0 where one is for all.
  int64_t scale_step;
};

// The same values once more by columns: [hidden_size, num_tokens], with groups along the tokens.
// Nowhere where `values` is nullptr.
struct Columns {
  void* values;
  void* scales;
  int64_t values_row_bytes;
  ScalePlace place;
  // As those of Call.
  void* cleared;
  int64_t cleared_bytes;
};

struct Call {
  Producer producer;
  bool is_backward;
  // What is quantised is the gradient of the input, and no product; `is_backward` is false.
  bool quantises_gradient;
  // Gate and up alternate, gate first, instead of standing in halves.
  bool is_interleaved;
  InputType input_type;
  // Of the gradient, where there is one; the input's, or float32.
  InputType gradient_type;
  Intermediate intermediate;
  // kInputType: the product, rounded to the input's dtype, and no scales.
  ValueFormat value_format;
  ScaleRule rule;
  // Whether a row shares a scale; there are no groups then.
  bool is_by_token;
  // One byte for each scale (an exponent or an E4M3 number), otherwise a float32 number.
  bool scale_is_byte;

  // In `input_type`; int32 sums, which stand for numbers in it, where there are scales of them.
  const void* input;
  const void* gradient;
  // Of a producer that reduces, all in the input's dtype: a number for each column, nullptr for a
  // factor of 1; a gate beside the input; and what is added to the input, nullptr for nothing.
  const void* weight;
  const void* gate;
  const void* residual;
  // Where the sum of input and residual goes, which may be the residual's own place. A norm reads
  // it before it is rounded, if `keeps_sum`.
  void* sum;
  bool keeps_sum;
  // Backward: the input's gradient, laid out as the input.
  void* values;
  // Backward, of a producer that reduces: what is added to the input's gradient, or nullptr; the
  // gradients of gate and weight, nullptr where there are none; and room for float32 numbers, on a
  // CPU each row's factor, on a GPU a row for each accumulator of the weight's gradient.
  const void* sum_gradient;
  void* gate_gradient;
  void* weight_gradient;
  float* workspace;
  void* scales;
  // The tensor's scale (kGiven) or NVFP4's global one (kGlobal), one float32 number; may be on a
  // GPU.
  const float* given_scale;
  // The upper bound of scales by kAmax, nullptr for none; of the largest magnitude, if
  // `bounds_amax`.
  const float* scale_bound;
  bool bounds_amax;
  // The lower clamp of scales by kAmax; of the other rules, the amax below which a group counts as
  // one of this amax.
  float least;

  int device;
  int64_t num_tokens;
  // Elements of a row of the output; the input's rows have twice as many where the producer is
  // gated, and as many where the output is a gradient of theirs.
  int64_t hidden_size;
  // Elements that share a scale; 0 without groups. The last group of a row may be short.
  int64_t group_size;
  int64_t input_row_bytes;
  int64_t gradient_row_bytes;
  int64_t values_row_bytes;
  int64_t gate_row_bytes;
  int64_t residual_row_bytes;
  int64_t sum_row_bytes;
  int64_t sum_gradient_row_bytes;
  int64_t gate_gradient_row_bytes;
  ScalePlace place;
  // What is added to a token's number for its scales.
  int64_t first_scale_token;
  Experts experts;
  // What the products of each of experts' rows are multiplied by before their scale; nullptr for
  // nothing.
  const float* row_weights;
  // Of int32 sums: what those of a row are multiplied by, and then those of a column of the input;
  // nullptr where the input is numbers.
  const float* token_scales;
  const float* weight_scales;
  Columns columns;
  // Where scales are padded: what to write with zeros first, and how many bytes of it, 0 for none.
  void* cleared;
  int64_t cleared_bytes;
  Parameters parameters;
};

#ifndef OPPARITY_GPU
inline bool reads_sums(const Call& call) { return call.weight_scales != nullptr; }

// Of a gradient that is quantised, whether those of gates and of ups stand in halves.
inline bool has_gradients_in_halves(const Call& call) {
  return call.quantises_gradient && !call.is_interleaved &&
         kProducerFacts[static_cast<int>(call.producer)].is_gated;
}

// Whether something is computed of a row as a whole before its values can be written.
inline bool works_on_rows(const Call& call) {
  return call.is_by_token || kProducerFacts[static_cast<int>(call.producer)].reduces;
}
#endif

}  // namespace opparity
