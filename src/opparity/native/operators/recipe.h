// Which recipe a request has, and which dtypes hold its values and scales.
#pragma once

#include <vector>

#include "native/operators/request.h"

namespace opparity {

// The group size of a recipe by token.
constexpr int32_t kGroupIsRow = -1;

inline int64_t groups_in(const RecipeRow& recipe, int64_t hidden_size) {
  if (recipe.group_size == kGroupIsRow) return 1;
  return recipe.group_size == 0 ? 0 : (hidden_size + recipe.group_size - 1) / recipe.group_size;
}

// Throws std::runtime_error where there is none, as operators/recipes.py does.
RecipeRow recipe_of(const Request& request);

// The dtypes that hold a format's codes, and a recipe's scales, the one that is allocated first.
std::vector<Dtype> value_dtypes(ValueFormat format);
std::vector<Dtype> scale_dtypes(const RecipeRow& recipe);

inline bool packs_values(const RecipeRow& recipe) {
  return recipe.value != ValueFormat::kInputType &&
         kValueFacts[static_cast<size_t>(recipe.value)].bits == 4;
}

inline bool scale_is_byte(const RecipeRow& recipe) {
  return recipe.scale == ScaleFormat::kE8m0 || recipe.scale == ScaleFormat::kE4m3;
}

// "a, b, c".
std::string names_of(const std::vector<Dtype>& dtypes);

}  // namespace opparity
