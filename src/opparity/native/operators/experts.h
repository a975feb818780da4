// Checks of experts' rows and scales.
#pragma once

#include "native/operators/recipe.h"
#include "native/operators/scales.h"

namespace opparity {

inline bool is_masked(const Experts& experts) { return experts.layout == ExpertLayout::kMasked; }

// Puts all experts' rows of a request into one list; returns where they are, of no layout where the
// operator has none. Throws as operators/expert_checks.py does.
Experts flatten_experts(Request& request);

// Checks the rows' weights, if there are any.
void check_row_weights(const Request& request, const Experts& experts);

// Checks the tensor for experts' scales, and completes where they are.
ScaleTensor check_expert_scales(const Request& request, const RecipeRow& recipe, int64_t num_groups,
                                Experts& experts);

// Allocates it.
ScaleTensor new_expert_scales(Request& request, const RecipeRow& recipe, int64_t num_tokens,
                              int64_t num_groups, Experts& experts);

}  // namespace opparity
