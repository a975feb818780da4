// The tensors that scales are written to, layout by layout.
#pragma once

#include "native/operators/recipe.h"

namespace opparity {

struct ScaleTensor {
  void* data = nullptr;
  ScalePlace place{};
  // See Call.
  void* cleared = nullptr;
  int64_t cleared_bytes = 0;
};

// Checks the scales that were given, as operators/scale_checks.py does.
ScaleTensor check_scales(const Request& request, const RecipeRow& recipe, int64_t num_tokens,
                         int64_t num_groups);

// Allocates scales as the recipe's layout says, and puts them into the request; of so many experts,
// if any, one after the other's.
ScaleTensor new_scales(Request& request, const RecipeRow& recipe, int64_t num_tokens,
                       int64_t num_groups, int64_t experts = 0);

// Where scales are in tiles whose first row is the first token's.
ScaleTensor placed_in_tiles(void* data, int64_t num_groups);

// Throws unless scales are contiguous.
void check_contiguous(const Request& request, Role role, const TensorFacts& tensor,
                      const char* remedy);

// Throws unless rows lie apart and without gaps inside.
void check_rows(const Request& request, Role role, const TensorFacts& tensor);

}  // namespace opparity
