#include "native/operators/allocation.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "native/operators/experts.h"
#include "native/operators/scales.h"
#include "native/operators/sums.h"

namespace opparity {
namespace {

// As contract/rows.h has it, which is for kernels.
constexpr int64_t kColumnAccumulators = 256;

}  // namespace

void allocate_values(Request& request, const RecipeRow& recipe, const Experts& experts,
                     int64_t num_tokens, int64_t hidden_size) {
  int64_t columns = packs_values(recipe) ? hidden_size / 2 : hidden_size;
  if (request.row.is_backward) columns = request.input->sizes[1];
  const Dtype dtype =
      recipe.value == ValueFormat::kInputType ? dtype_of(request) : value_dtypes(recipe.value)[0];
  std::vector<int64_t> sizes{num_tokens, columns}, strides{columns, 1};
  if (is_masked(experts)) {
    sizes = {experts.count, experts.room, columns};
    // As torch has it: no stride is zero.
    strides.insert(strides.begin(), std::max<int64_t>(experts.room, 1) * columns);
  }
  request.values.emplace(request.new_tensor(sizes, strides, dtype));
}

Columns allocate_columns(Request& request, const RecipeRow& recipe, int64_t num_tokens,
                         int64_t hidden_size) {
  if (!request.row.has_columns) return {};
  request.column_values.emplace(request.new_tensor({hidden_size, num_tokens},
                                                   {std::max<int64_t>(num_tokens, 1), 1},
                                                   value_dtypes(recipe.value)[0]));
  const ScaleTensor scales =
      new_scales(request, recipe, hidden_size, groups_in(recipe, num_tokens));
  request.column_scales = std::move(request.scales);
  request.scales.reset();
  return {.values = request.column_values->tensor.mutable_data_ptr(),
          .scales = scales.data,
          .values_row_bytes = num_tokens,
          .place = scales.place,
          .cleared = scales.cleared,
          .cleared_bytes = scales.cleared_bytes};
}

void allocate_gradients(Request& request, int64_t num_tokens, int64_t hidden_size) {
  if (!request.row.is_backward || !request.producer().reduces) return;
  const TensorFacts& input = *request.input;
  if (request.gate.has_value()) {
    request.gate_gradient.emplace(
        request.new_tensor({num_tokens, hidden_size}, {hidden_size, 1}, input.dtype));
  }
  const bool has_weight = request.weight.has_value();
  request.weight_gradient.emplace(
      request.new_tensor({has_weight ? hidden_size : 0}, {1}, input.dtype));
  if (!has_weight) return;
  const int64_t size =
      input.is_cpu ? num_tokens : std::min<int64_t>(num_tokens, kColumnAccumulators) * hidden_size;
  request.workspace.emplace(request.new_tensor({size}, {1}, Dtype::kFloat32));
}

}  // namespace opparity
