#include "native/operators/experts.h"

#include <torch/csrc/stable/ops.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "native/experts.h"

namespace opparity {
namespace {

// A block of a GPU's threads keeps where each begins.
constexpr int64_t kMostExperts = 1024;
constexpr int64_t kMostMultiple = (int64_t{1} << 31) - 1;
constexpr int64_t kTileTokens = 128, kGroupsOfAWord = 4;

const char* name_of(ExpertLayout layout) { return kExpertLayoutNames[static_cast<size_t>(layout)]; }

ExpertLayout layout_of(const Request& request) {
  if (request.row.experts != ExpertLayout::kNone) return request.row.experts;
  for (size_t i = 0; i < std::size(kExpertLayoutNames); ++i) {
    if (request.experts == kExpertLayoutNames[i]) return static_cast<ExpertLayout>(i);
  }
  request.refuse("experts is '", request.experts, "'; allowed: masked, offsets, psum, tokens; ",
                 "choose one");
}

// [num_experts, num_tokens, width] as [num_experts * num_tokens, width].
TensorFacts one_list(const Request& request, Role role, const TensorFacts& tensor) {
  const char* name = request.name_of(role);
  if (tensor.sizes.size() != 3) {
    request.refuse(name, " has ", tensor.sizes.size(),
                   " dimensions; allowed: 3, [num_experts, num_tokens, width], with masked ",
                   "experts; pass such a tensor");
  }
  const int64_t count = tensor.sizes[0], tokens = tensor.sizes[1];
  const auto& own = request.input->sizes;
  if (role != Role::kInput && (count != own[0] || tokens != own[1])) {
    request.refuse(name, " has shape ", list_of(tensor.sizes), "; allowed: [", own[0], ", ", own[1],
                   ", ...], as the input; allocate it so");
  }
  if (count > 1 && tokens > 1 && tensor.strides[0] != tokens * tensor.strides[1]) {
    request.refuse(name, " has strides ", list_of(tensor.strides),
                   "; allowed: an expert's rows right after the other's; call contiguous()");
  }
  return TensorFacts(torch::stable::flatten(tensor.tensor, 0, 1));
}

void check_numbers(const Request& request, Role role, const TensorFacts& tensor) {
  const char* name = request.name_of(role);
  if (tensor.dtype != Dtype::kInt32) {
    request.refuse(name, " has dtype ", name_of_dtype(tensor.torch_dtype),
                   "; allowed: int32; cast it");
  }
  const size_t dimensions = tensor.sizes.size();
  if (dimensions > 1 || (dimensions == 1 && tensor.sizes[0] > 1 && tensor.strides[0] != 1)) {
    request.refuse(name, " has shape ", list_of(tensor.sizes), " and strides ",
                   list_of(tensor.strides),
                   "; allowed: one dimension of stride 1; call contiguous()");
  }
}

int64_t count_of(const Request& request, ExpertLayout layout, int64_t experts_of_input) {
  const char* name = request.name_of(Role::kRows);
  const int64_t given = request.rows->num_elements;
  const int64_t count = layout == ExpertLayout::kOffsets ? given - 1 : given;
  if (layout == ExpertLayout::kMasked && count != experts_of_input) {
    request.refuse(name, " has ", given, " elements; allowed: ", experts_of_input,
                   ", one for each expert; pass those");
  }
  if (layout == ExpertLayout::kTokens && count != 1) {
    request.refuse(name, " has ", given, " elements; allowed: 1, the number of tokens; pass that");
  }
  if (count < 1 || count > kMostExperts) {
    request.refuse(name, " has ", given, " elements, of ", count, " experts; allowed: 1 to ",
                   kMostExperts, " experts; split the call");
  }
  return count;
}

void check_multiple(const Request& request, ExpertLayout layout) {
  const bool takes_one = layout == ExpertLayout::kPsum || layout == ExpertLayout::kTokens;
  const int64_t most = takes_one ? kMostMultiple : 1;
  if (request.multiple >= 1 && request.multiple <= most) return;
  request.refuse(request.name_of(Role::kMultiple), " is ", request.multiple, "; allowed: ",
                 takes_one ? join("1 to ", kMostMultiple) : join("1 with ", name_of(layout)),
                 "; choose one");
}

void check_scale_offsets(const Request& request, ExpertLayout layout, int64_t count) {
  check_numbers(request, Role::kScaleOffsets, *request.scale_offsets);
  const char* name = request.name_of(Role::kScaleOffsets);
  if (layout != ExpertLayout::kOffsets) {
    request.refuse(name, " is given; allowed: None with ", name_of(layout),
                   ", whose scales lie as its rows; leave it out");
  }
  const int64_t given = request.scale_offsets->num_elements;
  if (given != count && given != count + 1) {
    request.refuse(name, " has ", given, " elements; allowed: ", count, " or ", count + 1,
                   ", one for each expert; pass those");
  }
}

bool has_no_scales(const RecipeRow& recipe) {
  return recipe.rule == ScaleRule::kGiven || recipe.rule == ScaleRule::kNone;
}

bool is_in_tiles(const RecipeRow& recipe) { return recipe.layout == ScaleLayout::kSwizzle128x4; }

// Kernels write zeros behind the last group of a valid row alone.
void clear_by_kernel(const RecipeRow& recipe, int64_t num_groups, ScaleTensor& scales) {
  const bool is_padded = recipe.layout == ScaleLayout::kPacked || is_in_tiles(recipe);
  scales.cleared_bytes = 0;
  scales.place.padded_tokens = 0;
  scales.place.padded_groups =
      is_padded && num_groups % kGroupsOfAWord != 0 ? next_multiple(num_groups, kGroupsOfAWord) : 0;
}

void check_recipe_of_offsets(const Request& request, const RecipeRow& recipe) {
  if (is_in_tiles(recipe)) return;
  request.refuse(request.name_of(Role::kScaleOffsets), " is given; allowed: None with layout '",
                 kScaleLayoutNames[static_cast<size_t>(recipe.layout)],
                 "', whose scales lie as its rows; leave it out, or take swizzle_128x4");
}

// Tiles of which each expert's begin at a row that is given.
ScaleTensor check_rows_of_tiles(const Request& request, const RecipeRow& recipe, int64_t num_groups,
                                Experts& experts) {
  const TensorFacts& scales = *request.scales;
  const char* name = request.name_of(Role::kScales);
  const int64_t columns = next_multiple(num_groups, kGroupsOfAWord);
  const std::vector<Dtype> allowed = scale_dtypes(recipe);
  if (std::find(allowed.begin(), allowed.end(), scales.dtype) == allowed.end()) {
    request.refuse(name, " has dtype ", name_of_dtype(scales.torch_dtype),
                   "; allowed: ", names_of(allowed), "; allocate it so");
  }
  const int64_t given = scales.num_elements * bytes_of(scales.dtype);
  if (given % columns != 0) {
    request.refuse(name, " has ", given, " bytes; allowed: a multiple of ", columns,
                   ", a row of tiles; allocate it so");
  }
  check_contiguous(request, Role::kScales, scales, "allocate it so");
  experts.scale_bytes = columns;
  experts.scale_rows = given / columns;
  return placed_in_tiles(scales.tensor.mutable_data_ptr(), num_groups);
}

// The scales of one of masked experts, and from them to the next one's.
ScaleTensor check_masked_scales(const Request& request, const RecipeRow& recipe, int64_t num_groups,
                                Experts& experts) {
  const TensorFacts& scales = *request.scales;
  const char* name = request.name_of(Role::kScales);
  const size_t dimensions = scales.sizes.size();
  if ((dimensions != 3 && !(is_in_tiles(recipe) && dimensions > 1)) ||
      scales.sizes[0] != experts.count) {
    request.refuse(name, " has shape ", list_of(scales.sizes), "; allowed: [", experts.count, ", ",
                   is_in_tiles(recipe) ? "..." : "num_tokens, num_groups or words",
                   "], an expert's scales after the other's; allocate it so");
  }
  Request own = request;
  own.scales.emplace(torch::stable::select(scales.tensor, 0, 0));
  const ScaleTensor found = check_scales(own, recipe, experts.room, num_groups);
  const TensorFacts& first = *own.scales;
  int64_t reach = 1;
  for (size_t i = 0; i < first.sizes.size(); ++i) {
    reach += (first.sizes[i] - 1) * first.strides[i];
  }
  if (experts.count > 1 && first.num_elements > 0 && scales.strides[0] < reach) {
    request.refuse(name, " has strides ", list_of(scales.strides), "; allowed: at least ", reach,
                   " in the first dimension, an expert's scales after the other's; allocate it so");
  }
  experts.scale_bytes = scales.strides[0] * bytes_of(scales.dtype);
  return found;
}

}  // namespace

Experts flatten_experts(Request& request) {
  Experts experts{};
  experts.layout = ExpertLayout::kNone;
  if (!request.rows.has_value()) return experts;
  experts.layout = layout_of(request);
  const bool masked = is_masked(experts);
  const TensorFacts given = *request.input;
  if (masked) {
    TensorFacts input = one_list(request, Role::kInput, given);
    if (request.values.has_value()) {
      request.values.emplace(one_list(request, Role::kValues, *request.values));
    }
    request.input.emplace(std::move(input));
  }
  check_numbers(request, Role::kRows, *request.rows);
  experts.count = count_of(request, experts.layout, given.sizes.empty() ? 0 : given.sizes[0]);
  check_multiple(request, experts.layout);
  if (request.scale_offsets.has_value()) {
    check_scale_offsets(request, experts.layout, experts.count);
    experts.scale_offsets = static_cast<const int32_t*>(request.scale_offsets->address);
  }
  experts.rows = static_cast<const int32_t*>(request.rows->address);
  experts.multiple = request.multiple;
  const size_t tokens = masked ? 1 : 0;
  experts.room = given.sizes.size() > tokens ? given.sizes[tokens] : 0;
  return experts;
}

void check_row_weights(const Request& request, const Experts& experts) {
  if (!request.row_weights.has_value()) return;
  const TensorFacts& weights = *request.row_weights;
  const char* name = request.name_of(Role::kRowWeights);
  if (weights.dtype != Dtype::kFloat32) {
    request.refuse(name, " has dtype ", name_of_dtype(weights.torch_dtype),
                   "; allowed: float32; cast it");
  }
  const bool masked = is_masked(experts);
  const std::vector<int64_t> sizes =
      masked ? std::vector<int64_t>{experts.count, experts.room} : std::vector{experts.room};
  if (!std::ranges::equal(weights.sizes, sizes)) {
    request.refuse(name, " has shape ", list_of(weights.sizes), "; allowed: ", list_of(sizes), ", ",
                   masked ? "[num_experts, num_tokens]" : "[num_tokens]",
                   ", a weight for each row; pass those");
  }
  check_contiguous(request, Role::kRowWeights, weights, "call contiguous()");
}

ScaleTensor check_expert_scales(const Request& request, const RecipeRow& recipe, int64_t num_groups,
                                Experts& experts) {
  ScaleTensor found{};
  if (experts.scale_offsets != nullptr) check_recipe_of_offsets(request, recipe);
  if (!request.scales.has_value()) return found;
  if (experts.scale_offsets != nullptr) {
    found = check_rows_of_tiles(request, recipe, num_groups, experts);
  } else if (is_masked(experts) && !has_no_scales(recipe)) {
    found = check_masked_scales(request, recipe, num_groups, experts);
  } else {
    found = check_scales(request, recipe, experts.room, num_groups);
  }
  clear_by_kernel(recipe, num_groups, found);
  return found;
}

ScaleTensor new_expert_scales(Request& request, const RecipeRow& recipe, int64_t num_tokens,
                              int64_t num_groups, Experts& experts) {
  ScaleTensor found{};
  if (experts.scale_offsets != nullptr) {
    const int64_t columns = next_multiple(num_groups, kGroupsOfAWord);
    const int64_t most = num_tokens + (kTileTokens - 1) * experts.count;
    experts.scale_bytes = columns;
    experts.scale_rows = most / kTileTokens * kTileTokens;
    request.scales.emplace(
        request.new_tensor({experts.scale_rows, columns}, {columns, 1}, scale_dtypes(recipe)[0]));
    found = placed_in_tiles(request.scales->tensor.mutable_data_ptr(), num_groups);
  } else if (is_masked(experts) && !has_no_scales(recipe)) {
    found = new_scales(request, recipe, experts.room, num_groups, experts.count);
    experts.scale_bytes = request.scales->strides[0] * bytes_of(request.scales->dtype);
  } else {
    found = new_scales(request, recipe, num_tokens, num_groups);
  }
  clear_by_kernel(recipe, num_groups, found);
  return found;
}

}  // namespace opparity
