// Which variant of the kernel serves a call: its key and the macros that compile it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "native/gpu/arguments.h"

namespace opparity {

struct Variant {
  Producer producer;
  bool is_backward;
  bool quantises_gradient;
  bool is_interleaved;
  InputType input_type;
  InputType gradient_type;
  Intermediate intermediate;
  ValueFormat value_format;
  int64_t group_size;
  ScaleRule rule;
  bool scale_is_byte;
  ScaleOrder order;
  bool has_bound;
  // Whether the last group of a row is short.
  bool has_tail;
  // Of rows: whether a row has one scale, whether the bound is one of the largest magnitude,
  // whether a residual is added (2: and the sum is not rounded), whether a norm has a weight, and
  // OPPARITY_STEPS.
  bool is_by_token;
  bool bounds_amax;
  int64_t residual;
  bool has_weight;
  int64_t steps;
  bool has_experts;
  bool weighs_rows;
  bool reads_sums;
  bool has_columns;
  // Of rows backward: the launch that adds the accumulators of the weight's gradient.
  bool adds;
  Shape shape;
};

// What a call needs in a shape. What makes no difference has one value, so that it compiles once.
Variant variant_of(const Call& call, Shape shape);

// Blocks of 256 threads that a multiprocessor is to hold, which limits registers.
int blocks_of(const Variant& variant);

// A number for each variant.
uint64_t key_of(const Variant& variant);

// The macros of gpu/kernel.h.
std::vector<std::string> defines_of(const Variant& variant);

// Its name in messages.
std::string name_of(const Variant& variant);

}  // namespace opparity
