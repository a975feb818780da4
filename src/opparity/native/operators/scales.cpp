#include "native/operators/scales.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace opparity {
namespace {

constexpr int64_t kTileTokens = 128, kTileGroups = 4, kGroupsOfAWord = 4;
// Bytes at whose multiples padded columns start.
constexpr int64_t kAlignment = 16;
constexpr int64_t kWordBytes = 4;

constexpr int64_t rounded_up(int64_t size, int64_t multiple) {
  return (size + multiple - 1) / multiple * multiple;
}

bool has_no_scales(const RecipeRow& recipe) {
  return recipe.rule == ScaleRule::kGiven || recipe.rule == ScaleRule::kNone;
}

ScalePlace by_strides(int64_t token_bytes, int64_t group_bytes) {
  return {.is_tiled = false,
          .token_128 = 128 * token_bytes,
          .token_32 = 32 * token_bytes,
          .token = token_bytes,
          .group_4 = 4 * group_bytes,
          .group = group_bytes,
          .padded_tokens = 0,
          .padded_groups = 0};
}

ScalePlace in_words(int64_t token_bytes, int64_t word_bytes) {
  ScalePlace place = by_strides(token_bytes, 1);
  place.is_tiled = true;
  place.group_4 = word_bytes;
  return place;
}

// Tiles of 128 x 4: docs/numerics.md, section 6.
ScalePlace in_tiles(int64_t num_tokens, int64_t num_groups) {
  constexpr int64_t kTileBytes = kTileTokens * kTileGroups;
  const int64_t tokens = rounded_up(num_tokens, kTileTokens);
  const int64_t groups = rounded_up(num_groups, kTileGroups);
  const bool is_padded = tokens != num_tokens || groups != num_groups;
  return {.is_tiled = true,
          .token_128 = groups / kTileGroups * kTileBytes,
          .token_32 = 4,
          .token = 16,
          .group_4 = kTileBytes,
          .group = 1,
          .padded_tokens = is_padded ? tokens : 0,
          .padded_groups = is_padded ? groups : 0};
}

int64_t tile_bytes(int64_t num_tokens, int64_t num_groups) {
  return rounded_up(num_tokens, kTileTokens) * rounded_up(num_groups, kTileGroups);
}

// Where a layout's scales lie in a tensor whose dimensions have these strides in bytes.
ScaleTensor placed(const RecipeRow& recipe, void* data, int64_t num_tokens, int64_t num_groups,
                   int64_t token_bytes, int64_t column_bytes) {
  ScaleTensor scales{.data = data};
  if (recipe.layout == ScaleLayout::kSwizzle128x4) {
    const int64_t bytes = tile_bytes(num_tokens, num_groups);
    scales.place = in_tiles(num_tokens, num_groups);
    scales.cleared = data;
    scales.cleared_bytes = bytes == num_tokens * num_groups ? 0 : bytes;
  } else if (recipe.layout != ScaleLayout::kPacked) {
    scales.place = by_strides(token_bytes, column_bytes);
  } else {
    // Missing groups of the last words are zero.
    scales.place = in_words(token_bytes, column_bytes);
    scales.cleared = static_cast<char*>(data) + num_groups / kGroupsOfAWord * column_bytes;
    // A single token's step may be any number, and leads nowhere.
    const bool is_padded = num_tokens > 0 && num_groups % kGroupsOfAWord != 0;
    scales.cleared_bytes = is_padded ? (num_tokens - 1) * token_bytes + kWordBytes : 0;
  }
  return scales;
}

// The rows that pad a column are in nobody's tensor; the operator with vLLM's schema clears them,
// as vLLM's does, where the stride is the padded one and no more.
void clear_between_columns(const TensorFacts& scales, ScaleTensor& placed) {
  const int64_t rows = scales.sizes[0], columns = scales.sizes[1], step = scales.strides[1];
  if (columns < 2 || step == rows || step != rounded_up(rows, kAlignment / kWordBytes)) return;
  placed.cleared = placed.data;
  placed.cleared_bytes = ((columns - 1) * step + rows) * kWordBytes;
}

void check_shape(const Request& request, const TensorFacts& scales, int64_t num_tokens,
                 int64_t columns, const char* column_name) {
  if (scales.has_shape(num_tokens, columns)) return;
  request.refuse(request.name_of(Role::kScales), " has shape ", list_of(scales.sizes),
                 "; allowed: [", num_tokens, ", ", columns, "], [num_tokens, ", column_name,
                 "]; allocate it so");
}

void check_tiles(const Request& request, const TensorFacts& scales, int64_t num_tokens,
                 int64_t num_groups) {
  const char* name = request.name_of(Role::kScales);
  const int64_t needed = tile_bytes(num_tokens, num_groups);
  const int64_t given = scales.num_elements * bytes_of(scales.dtype);
  if (given != needed) {
    request.refuse(name, " has ", given, " bytes; allowed: ", needed, ", tiles of ", kTileTokens,
                   " tokens and ", kTileGroups, " groups; allocate it so");
  }
  check_contiguous(request, Role::kScales, scales, "allocate it so");
}

// The layout's strides, of scales [num_tokens, columns].
void check_strides(const Request& request, const RecipeRow& recipe, const TensorFacts& scales) {
  if (recipe.layout == ScaleLayout::kRowMajor) {
    check_rows(request, Role::kScales, scales);
    return;
  }
  const int64_t rows = scales.sizes[0], columns = scales.sizes[1], step = scales.strides[1];
  const int64_t multiple =
      recipe.layout == ScaleLayout::kColumnMajor ? 1 : kAlignment / bytes_of(scales.dtype);
  if ((rows > 1 && scales.strides[0] != 1) ||
      (columns > 1 && (step < rows || step % multiple != 0))) {
    const std::string aligned = multiple == 1 ? "" : join(" and a multiple of ", multiple);
    request.refuse(request.name_of(Role::kScales), " has strides ", list_of(scales.strides),
                   "; allowed: 1 in the first dimension and at least ", rows, aligned,
                   " in the last; allocate it so");
  }
}

struct Strides {
  int64_t token, group;
};

// No two scales may share memory: the inner dimension ends before the outer's step.
void check_separate(const Request& request, const TensorFacts& scales, int64_t num_tokens,
                    int64_t num_groups, const Strides& strides) {
  if (scales.num_elements == 0) return;
  std::pair<int64_t, int64_t> inner{strides.token, num_tokens}, outer{strides.group, num_groups};
  if (inner.first > outer.first) std::swap(inner, outer);
  int64_t reach = 0;
  for (const auto& [stride, size] : {inner, outer}) {
    if (size <= 1) continue;
    if (stride <= reach) {
      request.refuse(request.name_of(Role::kScales), " has strides ", list_of(scales.strides),
                     ", so that elements share memory; allowed: a place for each scale; "
                     "allocate it so");
    }
    reach += stride * (size - 1);
  }
}

// Which way round scales came where the operator says that they may be transposed.
Strides turned(const Request& request, const TensorFacts& scales, int64_t num_tokens,
               int64_t num_groups) {
  if (!request.is_scale_transposed) {
    check_shape(request, scales, num_tokens, num_groups, "num_groups");
    return {scales.strides[0], scales.strides[1]};
  }
  const bool rows_first = scales.sizes.size() == 2 && scales.strides[0] >= scales.strides[1];
  // With as many groups as tokens the shape does not tell; the strides do.
  bool by_group = rows_first && scales.has_shape(num_groups, num_tokens);
  if (!by_group && !scales.has_shape(num_tokens, num_groups)) {
    by_group = scales.has_shape(num_groups, num_tokens);
    if (!by_group) {
      request.refuse(request.name_of(Role::kScales), " has shape ", list_of(scales.sizes),
                     "; allowed: [", num_groups, ", ", num_tokens,
                     "], [num_groups, num_tokens], or the transposed view of such a tensor; "
                     "allocate it so");
    }
  }
  const Strides strides{scales.strides[by_group ? 1 : 0], scales.strides[by_group ? 0 : 1]};
  if (num_tokens > 1 && num_groups > 1 && strides.token > strides.group) {
    request.refuse(request.name_of(Role::kScales), " has strides ", list_of(scales.strides),
                   " and is_scale_transposed is True; allowed: a group's scales next to each "
                   "other; pass the transposed view of a [num_groups, num_tokens] tensor");
  }
  return strides;
}

}  // namespace

void check_contiguous(const Request& request, Role role, const TensorFacts& tensor,
                      const char* remedy) {
  int64_t step = 1;
  for (size_t i = tensor.sizes.size(); i-- > 0;) {
    if (tensor.num_elements > 0 && tensor.sizes[i] != 1 && tensor.strides[i] != step) {
      request.refuse(request.name_of(role), " has strides ", list_of(tensor.strides),
                     "; allowed: contiguous memory; ", remedy);
    }
    step *= tensor.sizes[i];
  }
}

ScaleTensor placed_in_tiles(void* data, int64_t num_groups) {
  return {.data = data, .place = in_tiles(kTileTokens, num_groups)};
}

void check_rows(const Request& request, Role role, const TensorFacts& tensor) {
  const int64_t rows = tensor.sizes[0], columns = tensor.sizes[1];
  if ((columns > 1 && tensor.strides[1] != 1) || (rows > 1 && tensor.strides[0] < columns)) {
    request.refuse(request.name_of(role), " has strides ", list_of(tensor.strides),
                   "; allowed: 1 in the last dimension and at least ", columns,
                   " in the first; allocate it so");
  }
}

ScaleTensor check_scales(const Request& request, const RecipeRow& recipe, int64_t num_tokens,
                         int64_t num_groups) {
  const TensorFacts& scales = *request.scales;
  const char* name = request.name_of(Role::kScales);
  if (has_no_scales(recipe)) {
    if (scales.sizes.size() != 1 || scales.sizes[0] != 0) {
      request.refuse(name, " has shape ", list_of(scales.sizes),
                     "; allowed: [0], since the recipe computes no scales; allocate it so");
    }
    return {};
  }
  const std::vector<Dtype> allowed = scale_dtypes(recipe);
  if (std::find(allowed.begin(), allowed.end(), scales.dtype) == allowed.end()) {
    request.refuse(name, " has dtype ", name_of_dtype(scales.torch_dtype),
                   "; allowed: ", names_of(allowed), "; allocate it so");
  }
  void* data = scales.tensor.mutable_data_ptr();
  if (recipe.layout == ScaleLayout::kSwizzle128x4) {
    check_tiles(request, scales, num_tokens, num_groups);
    return placed(recipe, data, num_tokens, num_groups, 0, 0);
  }
  const int64_t size = bytes_of(scales.dtype);
  Strides strides{};
  if (request.has(Role::kIsScaleTransposed)) {
    strides = turned(request, scales, num_tokens, num_groups);
    check_separate(request, scales, num_tokens, num_groups, strides);
  } else {
    const bool packs = recipe.layout == ScaleLayout::kPacked;
    const int64_t columns =
        packs ? rounded_up(num_groups, kGroupsOfAWord) / kGroupsOfAWord : num_groups;
    check_shape(request, scales, num_tokens, columns, packs ? "words" : "num_groups");
    strides = {scales.strides[0], scales.strides[1]};
    if (request.has(Role::kRecipe) || packs) {
      check_strides(request, recipe, scales);
    } else {
      check_separate(request, scales, num_tokens, columns, strides);
    }
  }
  ScaleTensor found =
      placed(recipe, data, num_tokens, num_groups, strides.token * size, strides.group * size);
  if (recipe.layout == ScaleLayout::kPacked && !request.has(Role::kRecipe)) {
    clear_between_columns(scales, found);
  }
  return found;
}

ScaleTensor new_scales(Request& request, const RecipeRow& recipe, int64_t num_tokens,
                       int64_t num_groups, int64_t experts) {
  if (has_no_scales(recipe)) {
    request.scales.emplace(request.new_tensor({0}, {1}, Dtype::kFloat32));
    return {};
  }
  const Dtype dtype = scale_dtypes(recipe)[0];
  const int64_t size = bytes_of(dtype);
  int64_t columns = num_groups;
  if (recipe.layout == ScaleLayout::kPacked)
    columns = rounded_up(num_groups, kGroupsOfAWord) / kGroupsOfAWord;
  std::vector<int64_t> sizes{num_tokens, columns}, strides{columns, 1};
  if (recipe.layout == ScaleLayout::kSwizzle128x4) {
    sizes = {tile_bytes(num_tokens, num_groups)};
    strides = {1};
  } else if (recipe.layout != ScaleLayout::kRowMajor) {
    const int64_t multiple = recipe.layout == ScaleLayout::kColumnMajor ? 1 : kAlignment / size;
    strides = {1, rounded_up(std::max<int64_t>(num_tokens, 1), multiple)};
  }
  const bool is_flat = strides.size() == 1;
  const int64_t token_bytes = is_flat ? 0 : strides[0] * size;
  const int64_t column_bytes = is_flat ? 0 : strides[1] * size;
  if (experts > 0) {
    const size_t outer = is_flat || recipe.layout == ScaleLayout::kRowMajor ? 0 : 1;
    strides.insert(strides.begin(), sizes[outer] * strides[outer]);
    sizes.insert(sizes.begin(), experts);
  }
  request.scales.emplace(request.new_tensor(sizes, strides, dtype));
  return placed(recipe, request.scales->tensor.mutable_data_ptr(), num_tokens, num_groups,
                token_bytes, column_bytes);
}

}  // namespace opparity
