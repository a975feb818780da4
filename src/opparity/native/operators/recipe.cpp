#include "native/operators/recipe.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "native/operators/messages.h"

namespace opparity {
namespace {

constexpr RecipeRow kUnquantised{"none",           ValueFormat::kInputType, 0, ScaleFormat::kNone,
                                 ScaleRule::kNone, ScaleLayout::kRowMajor};
constexpr int64_t kNvfp4Group = 16, kUsualGroup = 128;
constexpr int64_t kGroupSizes[] = {16, 32, 64, 128, 256};

RecipeRow recipe_named(const Request& request, const std::string& text) {
  const auto* row = std::lower_bound(std::begin(kRecipeRows), std::end(kRecipeRows), text.c_str(),
                                     [](const RecipeRow& known, const char* wanted) {
                                       return std::strcmp(known.text, wanted) < 0;
                                     });
  if (row == std::end(kRecipeRows) || text != row->text) {
    request.refuse("recipe is '", text, "'; allowed: ", kRecipeNames,
                   ", or an opparity.Recipe's text; choose one");
  }
  return *row;
}

bool is_accepted(const RecipeRow& recipe) {
  return std::any_of(std::begin(kRecipeRows), std::end(kRecipeRows), [&](const RecipeRow& known) {
    return known.value == recipe.value && known.group_size == recipe.group_size &&
           known.scale == recipe.scale && known.rule == recipe.rule &&
           known.layout == recipe.layout;
  });
}

void check_group_size(const Request& request, int64_t group_size) {
  if (std::find(std::begin(kGroupSizes), std::end(kGroupSizes), group_size) !=
      std::end(kGroupSizes)) {
    return;
  }
  request.refuse("group_size is ", group_size, "; allowed: 16, 32, 64, 128, 256; choose one");
}

// The operator's row, its numbers and the dtype of its values tell the recipe. uint8 does not tell
// of codes of four bits, so that these are for NVFP4's operators alone.
RecipeRow recipe_of_tensors(const Request& request) {
  RecipeRow recipe = kUnquantised;
  recipe.scale = request.row.scale;
  recipe.rule = request.row.rule;
  if (request.rounds_scales_up) {
    recipe.scale = ScaleFormat::kPowerOfTwo;
    recipe.rule = ScaleRule::kCeil;
    // A word holds four exponents, a float32 number is one power of two.
    if (request.rows.has_value() && request.scales->dtype == Dtype::kInt32) {
      recipe.scale = ScaleFormat::kE8m0;
    }
  }
  const bool is_global = recipe.rule == ScaleRule::kGlobal;
  if (request.row.is_by_token) {
    recipe.group_size = kGroupIsRow;
  } else if (recipe.rule != ScaleRule::kGiven) {
    const int64_t usual = request.has(Role::kGroupSize) ? 0 : kUsualGroup;
    const int64_t group_size = is_global ? kNvfp4Group : request.group_size.value_or(usual);
    check_group_size(request, group_size);
    recipe.group_size = static_cast<int32_t>(group_size);
  }
  if (request.row.is_swizzled) {
    recipe.layout = ScaleLayout::kSwizzle128x4;
  } else if (recipe.scale == ScaleFormat::kE8m0) {
    recipe.layout = ScaleLayout::kPacked;
  }
  std::vector<Dtype> allowed;
  for (size_t i = 0; i < std::size(kValueFacts); ++i) {
    recipe.value = static_cast<ValueFormat>(i);
    if ((packs_values(recipe) && !is_global) || !is_accepted(recipe)) continue;
    for (const Dtype dtype : value_dtypes(recipe.value)) {
      if (dtype == request.values->dtype) return recipe;
      allowed.push_back(dtype);
    }
  }
  request.refuse(request.name_of(Role::kValues), " has dtype ",
                 name_of_dtype(request.values->torch_dtype), "; allowed: ", names_of(allowed),
                 "; allocate it so");
}

}  // namespace

RecipeRow recipe_of(const Request& request) {
  if (request.row.is_backward || request.row.is_unquantised) return kUnquantised;
  if (*request.row.recipe != '\0') return recipe_named(request, request.row.recipe);
  return request.recipe.has_value() ? recipe_named(request, *request.recipe)
                                    : recipe_of_tensors(request);
}

std::vector<Dtype> value_dtypes(ValueFormat format) {
  switch (format) {
    case ValueFormat::kFloat8E4M3FN:
      return {Dtype::kFloat8E4M3FN};
    case ValueFormat::kFloat8E4M3FNUZ:
      return {Dtype::kFloat8E4M3FNUZ};
    case ValueFormat::kFloat8E5M2:
      return {Dtype::kFloat8E5M2};
    case ValueFormat::kInt8:
      return {Dtype::kInt8};
    case ValueFormat::kFloat4E2M1:
      return {Dtype::kUint8, Dtype::kFloat4E2M1FNX2};
    case ValueFormat::kInputType:
      break;
  }
  return {};
}

std::vector<Dtype> scale_dtypes(const RecipeRow& recipe) {
  if (recipe.layout == ScaleLayout::kPacked) return {Dtype::kInt32};
  if (!scale_is_byte(recipe)) return {Dtype::kFloat32};
  const Dtype own =
      recipe.scale == ScaleFormat::kE8m0 ? Dtype::kFloat8E8M0FNU : Dtype::kFloat8E4M3FN;
  if (recipe.layout == ScaleLayout::kSwizzle128x4) return {own, Dtype::kUint8, Dtype::kInt32};
  return {own, Dtype::kUint8};
}

std::string names_of(const std::vector<Dtype>& dtypes) {
  std::string text;
  for (const Dtype dtype : dtypes) {
    text += (text.empty() ? "" : ", ") + name_of_dtype(torch_number_of(dtype));
  }
  return text;
}

}  // namespace opparity
