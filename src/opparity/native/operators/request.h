// An operator's arguments as they came, by their roles.
#pragma once

#include <torch/csrc/stable/c/shim.h>

#include <optional>
#include <string>
#include <vector>

#include "native/call.h"
#include "native/operators/messages.h"
#include "native/operators/tensors.h"

namespace opparity {

struct Request {
  explicit Request(const OperatorRow& operator_row)
      : row(operator_row),
        intermediate(kIntermediateNames[static_cast<size_t>(row.intermediate)]),
        is_interleaved(row.is_interleaved) {
    for (int i = 0; i < producer().parameter_count; ++i) parameters[i] = producer().defaults[i];
  }

  const OperatorRow& row;
  std::optional<TensorFacts> input, gradient, values, scales, scale, scale_ub;
  // Of producers that reduce. An operator that returns the sum has it in `sum` in the end.
  std::optional<TensorFacts> weight, gate, residual, sum;
  // Backward: what is added to the input's gradient, and what is returned beside that, in order;
  // an operator keeps its workspace until its kernels are launched.
  std::optional<TensorFacts> sum_gradient, gate_gradient, weight_gradient, workspace;
  // Of operators of experts' rows.
  std::optional<TensorFacts> rows, scale_offsets, row_weights;
  // Of operators of sums.
  std::optional<TensorFacts> token_scales, weight_scales;
  std::string dtype;
  std::string experts;
  int64_t multiple = 1;
  // The same values by columns, where the operator returns them.
  std::optional<TensorFacts> column_values, column_scales;
  // As text, where the operator takes one.
  std::optional<std::string> recipe;
  std::string intermediate;
  bool is_interleaved;
  std::optional<int64_t> group_size;
  bool is_scale_transposed = false;
  bool rounds_scales_up = false;
  std::optional<double> least_amax, code_minimum, code_maximum;
  std::optional<std::vector<int64_t>> group_shape;
  bool has_zero_points = false;
  double parameters[kMostParameters] = {};

  const ProducerFacts& producer() const {
    return kProducerFacts[static_cast<size_t>(row.producer)];
  }

  // What the schema calls the argument with a role.
  const char* name_of(Role role) const {
    if (role == Role::kValues && row.is_in_place) role = Role::kInput;
    for (int i = 0; i < row.argument_count; ++i) {
      if (row.arguments[i].role == role) return row.arguments[i].name;
    }
    return "";
  }
  bool has(Role role) const { return *name_of(role) != '\0'; }

  // A tensor without contents, on the input's device.
  torch::stable::Tensor new_tensor(const std::vector<int64_t>& sizes,
                                   const std::vector<int64_t>& strides, Dtype dtype) const;

  template <typename... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    opparity::refuse(row.name, parts...);
  }
};

// Takes the arguments off an operator's stack.
Request take_request(const OperatorRow& row, StableIValue* stack);

}  // namespace opparity
