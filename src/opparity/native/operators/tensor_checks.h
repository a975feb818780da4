// The checks of tensors beside an operator's input.
#pragma once

#include "native/call.h"
#include "native/operators/recipe.h"
#include "native/operators/request.h"

namespace opparity {

void check_last_stride(const Request& request, Role role, const TensorFacts& tensor);

void check_values(const Request& request, const RecipeRow& recipe, int64_t num_tokens,
                  int64_t hidden_size);

void check_gradient(const Request& request, int64_t num_tokens, int64_t hidden_size);

// A tensor beside the input of a producer that reduces.
void check_beside(const Request& request, Role role, const std::optional<TensorFacts>& tensor,
                  int64_t num_tokens, int64_t hidden_size);

// The given scale or the scales' bound, each a tensor of one float32 number.
void check_single_number(const Request& request, const RecipeRow& recipe, Role role,
                         const std::optional<TensorFacts>& tensor, const Experts& experts);

void check_scale(const Request& request, const RecipeRow& recipe);

void check_bound(const Request& request);

}  // namespace opparity
