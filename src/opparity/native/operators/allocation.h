// The tensors that a functional operator returns, and what a backward one works in.
#pragma once

#include "native/call.h"
#include "native/operators/recipe.h"
#include "native/operators/request.h"

namespace opparity {

void allocate_values(Request& request, const RecipeRow& recipe, const Experts& experts,
                     int64_t num_tokens, int64_t hidden_size);

// Nothing where the operator has no columns.
Columns allocate_columns(Request& request, const RecipeRow& recipe, int64_t num_tokens,
                         int64_t hidden_size);

// Gradients beside the input's, and what the weight's is summed in.
void allocate_gradients(Request& request, int64_t num_tokens, int64_t hidden_size);

}  // namespace opparity
