#include "native/operators/checks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "native/operators/experts.h"
#include "native/operators/recipe.h"
#include "native/operators/scales.h"

namespace opparity {
namespace {

// What a producer's number and an eps may be: float32 holds them and their reciprocals.
// As contract/rows.h has it, which is for kernels.
constexpr int64_t kColumnAccumulators = 256;

constexpr double kLeast = 1e-30, kMost = 1e30;

const ProducerFacts& producer_of(const Request& request) {
  return kProducerFacts[static_cast<size_t>(request.row.producer)];
}

void check_last_stride(const Request& request, Role role, const TensorFacts& tensor) {
  const size_t last = tensor.sizes.size() - 1;
  if (tensor.sizes[last] > 1 && tensor.strides[last] != 1) {
    request.refuse(request.name_of(role), "'s last dimension has stride ", tensor.strides[last],
                   "; allowed: 1; call contiguous()");
  }
}

void check_input(const Request& request) {
  const TensorFacts& input = *request.input;
  const bool is_gated = producer_of(request).is_gated;
  if (input.sizes.size() != 2) {
    request.refuse("input has ", input.sizes.size(), " dimensions; allowed: 2, [num_tokens, ",
                   is_gated ? "2 * hidden_size" : "hidden_size", "]; flatten the leading ones");
  }
  if (input.dtype != Dtype::kFloat16 && input.dtype != Dtype::kBFloat16 &&
      input.dtype != Dtype::kFloat32) {
    request.refuse("input has dtype ", name_of_dtype(input.torch_dtype),
                   "; allowed: float16, bfloat16, float32; cast it");
  }
  const int64_t width = input.sizes[1];
  if (is_gated && (width % 2 != 0 || width == 0)) {
    request.refuse("input is ", width, " wide; allowed: an even width of at least 2; ",
                   "concatenate gate and up in the last dimension");
  }
  if (width == 0) {
    request.refuse("input is 0 wide; allowed: a width of at least 1; leave the call out");
  }
  check_last_stride(request, Role::kInput, input);
}

void check_code_bounds(const Request& request, const RecipeRow& recipe) {
  if (recipe.value == ValueFormat::kInputType) return;
  const ValueFacts& facts = kValueFacts[static_cast<size_t>(recipe.value)];
  const auto check = [&](Role role, const std::optional<double>& given, double bound) {
    if (!given.has_value() || *given == bound) return;
    request.refuse(request.name_of(role), " is ", *given, "; allowed: ", bound, ", ",
                   kValueFormatNames[static_cast<size_t>(recipe.value)], "'s; pass that");
  };
  check(Role::kCodeMinimum, request.code_minimum, facts.lowest);
  check(Role::kCodeMaximum, request.code_maximum, facts.maximum);
}

void check_number(const Request& request, const char* name, double value, bool is_positive) {
  const double size = is_positive ? value : std::fabs(value);
  if ((size >= kLeast && size <= kMost) || (size == 0.0 && !is_positive)) return;
  request.refuse(name, " is ", value, "; allowed: ", is_positive ? "" : "0, or a magnitude of ",
                 kLeast, " to ", kMost, "; choose one");
}

Intermediate check_numbers(const Request& request) {
  const ProducerFacts& facts = producer_of(request);
  for (int i = 0; i < facts.parameter_count; ++i) {
    check_number(request, facts.parameters[i], request.parameters[i], facts.is_positive[i]);
  }
  if (request.least_amax.has_value()) {
    check_number(request, request.name_of(Role::kLeastAmax), *request.least_amax, true);
  }
  for (size_t i = 0; i < std::size(kIntermediateNames); ++i) {
    if (request.intermediate == kIntermediateNames[i]) return static_cast<Intermediate>(i);
  }
  request.refuse("intermediate is '", request.intermediate,
                 "'; allowed: float32, input_dtype, product; choose one");
}

// One scale is for the whole tensor, and every row is to be written.
void check_extent(const Request& request) {
  if (request.group_shape.has_value() && *request.group_shape != std::vector<int64_t>{-1, -1}) {
    request.refuse(request.name_of(Role::kGroupShape), " is ", list_of(*request.group_shape),
                   "; allowed: None or [-1, -1], one scale for the whole tensor; pass that");
  }
  if (request.has_num_valid_tokens) {
    request.refuse(request.name_of(Role::kNumValidTokens),
                   " is given; allowed: None, since every row is written; pass the valid rows "
                   "alone");
  }
  if (request.has_zero_points) {
    request.refuse(request.name_of(Role::kZeroPoints),
                   " is given; allowed: None, since codes are symmetric; leave it out");
  }
}

void check_values(const Request& request, const RecipeRow& recipe, int64_t num_tokens,
                  int64_t hidden_size) {
  const TensorFacts& values = *request.values;
  const char* name = request.name_of(Role::kValues);
  if (recipe.value == ValueFormat::kInputType) {
    if (values.torch_dtype != request.input->torch_dtype) {
      request.refuse(name, " has dtype ", name_of_dtype(values.torch_dtype),
                     "; allowed: ", name_of_dtype(request.input->torch_dtype),
                     ", the input's; allocate it so");
    }
  } else {
    const std::vector<Dtype> allowed = value_dtypes(recipe.value);
    if (std::find(allowed.begin(), allowed.end(), values.dtype) == allowed.end()) {
      request.refuse(name, " has dtype ", name_of_dtype(values.torch_dtype),
                     "; allowed: ", names_of(allowed), "; allocate it so");
    }
  }
  const bool is_packed = packs_values(recipe);
  const int64_t columns = is_packed ? hidden_size / 2 : hidden_size;
  if (!values.has_shape(num_tokens, columns)) {
    request.refuse(name, " has shape ", list_of(values.sizes), "; allowed: [", num_tokens, ", ",
                   columns, "], [num_tokens, hidden_size", is_packed ? " / 2" : "",
                   "]; allocate it so");
  }
  check_rows(request, Role::kValues, values);
}

void check_gradient(const Request& request, int64_t num_tokens, int64_t hidden_size) {
  if (!request.gradient.has_value()) return;
  const TensorFacts& gradient = *request.gradient;
  const TensorFacts& input = *request.input;
  if (!gradient.has_shape(num_tokens, hidden_size)) {
    request.refuse("gradient has shape ", list_of(gradient.sizes), "; allowed: [", num_tokens, ", ",
                   hidden_size, "], [num_tokens, hidden_size]; pass the output's");
  }
  if (gradient.dtype != Dtype::kFloat32 && gradient.dtype != input.dtype) {
    const std::string own =
        input.dtype == Dtype::kFloat32 ? "" : name_of_dtype(input.torch_dtype) + ", ";
    request.refuse("gradient has dtype ", name_of_dtype(gradient.torch_dtype), "; allowed: ", own,
                   "float32; cast it");
  }
  check_last_stride(request, Role::kGradient, gradient);
}

// A tensor beside the input of a producer that reduces.
void check_beside(const Request& request, Role role, const std::optional<TensorFacts>& tensor,
                  int64_t num_tokens, int64_t hidden_size) {
  if (!tensor.has_value()) return;
  const char* name = request.name_of(role);
  const bool is_weight = role == Role::kWeight;
  if (is_weight && (tensor->sizes.size() != 1 || tensor->sizes[0] != hidden_size)) {
    request.refuse(name, " has shape ", list_of(tensor->sizes), "; allowed: [", hidden_size,
                   "], [hidden_size]; pass such a tensor");
  }
  if (!is_weight && !tensor->has_shape(num_tokens, hidden_size)) {
    request.refuse(name, " has shape ", list_of(tensor->sizes), "; allowed: [", num_tokens, ", ",
                   hidden_size, "], [num_tokens, hidden_size]; pass such a tensor");
  }
  if (tensor->torch_dtype != request.input->torch_dtype) {
    request.refuse(name, " has dtype ", name_of_dtype(tensor->torch_dtype),
                   "; allowed: ", name_of_dtype(request.input->torch_dtype),
                   ", the input's; cast it");
  }
  if (role == Role::kResidual && request.row.mutates) {
    check_rows(request, role, *tensor);
  } else {
    check_last_stride(request, role, *tensor);
  }
}

// Experts may have a given scale each.
void check_scales_of_experts(const Request& request, const TensorFacts& tensor, int64_t count) {
  const bool is_list = tensor.sizes.size() == 1 && tensor.strides[0] == 1;
  if (tensor.num_elements == 1 || (tensor.num_elements == count && is_list)) return;
  request.refuse(request.name_of(Role::kScale), " has ", tensor.num_elements,
                 " elements; allowed: 1, or a list of ", count,
                 ", one for each expert; give those");
}

// The given scale or the scales' bound, each a tensor of one float32 number.
void check_single_number(const Request& request, const RecipeRow& recipe, Role role,
                         const std::optional<TensorFacts>& tensor, const Experts& experts) {
  if (!request.has(role)) return;
  const bool is_scale = role == Role::kScale;
  const bool is_given = recipe.rule == ScaleRule::kGiven || recipe.rule == ScaleRule::kGlobal;
  const char* name = request.name_of(role);
  if (!tensor.has_value()) {
    if (is_scale && is_given) {
      request.refuse(name, " is None; allowed: one float32 number, since the recipe's scale is ",
                     "given; pass it");
    }
    return;
  }
  if (is_scale && !is_given) {
    request.refuse(name,
                   " is given; allowed: None, since the recipe computes its scales; leave it out");
  }
  if (!is_scale && recipe.rule != ScaleRule::kAmax) {
    request.refuse(name,
                   " is given; allowed: None, since the recipe has no scales that a bound is ",
                   "defined for; leave it out");
  }
  if (tensor->dtype != Dtype::kFloat32) {
    request.refuse(name, " has dtype ", name_of_dtype(tensor->torch_dtype),
                   "; allowed: float32; cast it");
  }
  if (is_scale && experts.layout != ExpertLayout::kNone) {
    check_scales_of_experts(request, *tensor, experts.count);
  } else if (tensor->num_elements != 1) {
    request.refuse(name, " has ", tensor->num_elements, " elements; allowed: 1; give one ",
                   is_scale ? "scale" : "bound", " for all");
  }
}

std::string name_of_device(const TensorFacts& tensor) {
  return tensor.is_cpu ? "cpu" : join("cuda:", tensor.device);
}

template <typename Visit>
void for_each_tensor(const Request& request, const Visit& visit) {
  visit(Role::kValues, request.values);
  visit(Role::kScales, request.scales);
  visit(Role::kGradient, request.gradient);
  visit(Role::kWeight, request.weight);
  visit(Role::kGate, request.gate);
  visit(Role::kResidual, request.residual);
  visit(Role::kSumGradient, request.sum_gradient);
  visit(Role::kScale, request.scale);
  visit(Role::kScaleUb, request.scale_ub);
  visit(Role::kRows, request.rows);
  visit(Role::kScaleOffsets, request.scale_offsets);
}

void check_devices(const Request& request) {
  for_each_tensor(request, [&](Role role, const std::optional<TensorFacts>& tensor) {
    if (!tensor.has_value() || tensor->is_on_device_of(*request.input)) return;
    request.refuse(request.name_of(role), " is on ", name_of_device(*tensor), " and input on ",
                   name_of_device(*request.input), "; allowed: one device; move them together");
  });
}

// A number on a GPU is not read: that would wait for the GPU and end a graph capture. There the
// kernel writes NaN scales for a bound that is not above zero.
std::vector<float> numbers_on_cpu(const std::optional<TensorFacts>& tensor) {
  if (!tensor.has_value() || !tensor->is_cpu) return {};
  const auto* numbers = static_cast<const float*>(tensor->address);
  return {numbers, numbers + tensor->num_elements};
}

void check_scale(const Request& request, const RecipeRow& recipe) {
  const bool is_given = recipe.rule == ScaleRule::kGiven;
  for (const float scale : numbers_on_cpu(request.scale)) {
    const float size = is_given ? std::fabs(scale) : scale;
    if (size > 0.0f && size <= std::numeric_limits<float>::max()) continue;
    request.refuse(request.name_of(Role::kScale), " is ", scale, "; allowed: a finite number ",
                   is_given ? "that is not 0" : "above 0", "; pass another");
  }
}

void check_bound(const Request& request) {
  for (const float bound : numbers_on_cpu(request.scale_ub)) {
    if (bound > 0.0f) continue;
    request.refuse(request.name_of(Role::kScaleUb), " is ", bound,
                   "; allowed: a number above 0; leave it out for none");
  }
}

void check_memory(const Request& request) {
  if (!request.row.mutates) return;
  constexpr size_t kOutputs = 3;
  const std::pair<Role, const std::optional<TensorFacts>*> tensors[] = {
      {Role::kValues, &request.values},     {Role::kScales, &request.scales},
      {Role::kResidual, &request.residual}, {Role::kInput, &request.input},
      {Role::kWeight, &request.weight},     {Role::kGate, &request.gate},
      {Role::kScale, &request.scale},       {Role::kScaleUb, &request.scale_ub},
      {Role::kRows, &request.rows},         {Role::kScaleOffsets, &request.scale_offsets}};
  for (size_t output = 0; output < kOutputs; ++output) {
    for (size_t other = output + 1; other < std::size(tensors); ++other) {
      const auto& [role, first] = tensors[output];
      const auto& [other_role, second] = tensors[other];
      if (request.row.is_in_place && role == Role::kValues && other_role == Role::kInput) continue;
      if (!first->has_value() || !second->has_value() || !(*first)->overlaps(**second)) continue;
      request.refuse(request.name_of(role), " and ", request.name_of(other_role),
                     " share memory; allowed: separate memory; allocate ", request.name_of(role),
                     " anew");
    }
  }
}

InputType input_type_of(const TensorFacts& tensor) {
  if (tensor.dtype == Dtype::kFloat16) return InputType::kFloat16;
  return tensor.dtype == Dtype::kBFloat16 ? InputType::kBFloat16 : InputType::kFloat32;
}

void allocate_values(Request& request, const RecipeRow& recipe, const Experts& experts,
                     int64_t num_tokens, int64_t hidden_size) {
  int64_t columns = packs_values(recipe) ? hidden_size / 2 : hidden_size;
  if (request.row.is_backward) columns = request.input->sizes[1];
  const Dtype dtype = recipe.value == ValueFormat::kInputType ? request.input->dtype
                                                              : value_dtypes(recipe.value)[0];
  std::vector<int64_t> sizes{num_tokens, columns}, strides{columns, 1};
  if (is_masked(experts)) {
    sizes = {experts.count, experts.room, columns};
    strides.insert(strides.begin(), experts.room * columns);
  }
  request.values.emplace(new_tensor(*request.input, sizes, strides, dtype));
}

// Columns have groups of tokens.
void check_columns(const Request& request, const RecipeRow& recipe) {
  if (!request.row.has_columns) return;
  const bool has_groups =
      recipe.group_size == 32 || recipe.group_size == 64 || recipe.group_size == 128;
  if (has_groups && !packs_values(recipe)) return;
  request.refuse("recipe is '", *request.recipe, "' with columns; allowed: values of eight bits ",
                 "in groups of 32, 64 or 128; choose one");
}

Columns allocate_columns(Request& request, const RecipeRow& recipe, int64_t num_tokens,
                         int64_t hidden_size) {
  if (!request.row.has_columns) return {};
  request.column_values.emplace(new_tensor(*request.input, {hidden_size, num_tokens},
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

// Gradients beside the input's, and what the weight's is summed in.
void allocate_gradients(Request& request, int64_t num_tokens, int64_t hidden_size) {
  if (!request.row.is_backward || !producer_of(request).reduces) return;
  const TensorFacts& input = *request.input;
  if (request.gate.has_value()) {
    request.gate_gradient.emplace(
        new_tensor(input, {num_tokens, hidden_size}, {hidden_size, 1}, input.dtype));
  }
  const bool has_weight = request.weight.has_value();
  request.weight_gradient.emplace(
      new_tensor(input, {has_weight ? hidden_size : 0}, {1}, input.dtype));
  if (!has_weight) return;
  const int64_t size =
      input.is_cpu ? num_tokens : std::min<int64_t>(num_tokens, kColumnAccumulators) * hidden_size;
  request.workspace.emplace(new_tensor(input, {size}, {1}, Dtype::kFloat32));
}

void* data_of(const std::optional<TensorFacts>& tensor) {
  return tensor.has_value() && tensor->num_elements > 0 ? tensor->tensor.mutable_data_ptr()
                                                        : nullptr;
}

// By the rule AMAX the lower clamp of scales; an eps is one of amax, and division keeps the order.
float least_of(const Request& request, const RecipeRow& recipe) {
  const auto amax = static_cast<float>(request.least_amax.value_or(0.0));
  if (recipe.value == ValueFormat::kInputType) return amax;
  const ValueFacts& facts = kValueFacts[static_cast<size_t>(recipe.value)];
  if (recipe.rule != ScaleRule::kAmax) {
    return std::max(amax, request.row.least_scale * facts.maximum);
  }
  return request.least_amax.has_value() ? amax / facts.maximum : facts.minimum_scale;
}

const void* address_of(const std::optional<TensorFacts>& tensor) {
  return tensor.has_value() ? tensor->address : nullptr;
}

const float* number_of(const std::optional<TensorFacts>& tensor) {
  return static_cast<const float*>(address_of(tensor));
}

Parameters parameters_of(const Request& request) {
  Parameters parameters{};
  for (int i = 0; i < kMostParameters; ++i) {
    parameters.value[i] = static_cast<float>(request.parameters[i]);
    parameters.reciprocal[i] = 1.0f / parameters.value[i];
  }
  return parameters;
}

int64_t row_bytes(const std::optional<TensorFacts>& tensor) {
  if (!tensor.has_value()) return 0;
  // Values that are allocated for masked experts have a dimension more.
  const size_t rows = tensor->sizes.size() - 2;
  return tensor->strides[rows] * static_cast<int64_t>(tensor->tensor.element_size());
}

}  // namespace

Call check(Request& request) {
  Experts experts = flatten_experts(request);
  const bool has_experts = experts.layout != ExpertLayout::kNone;
  check_input(request);
  const RecipeRow recipe = recipe_of(request);
  const int64_t num_tokens = request.input->sizes[0];
  const int64_t hidden_size = request.input->sizes[1] / (producer_of(request).is_gated ? 2 : 1);
  if (packs_values(recipe) && hidden_size % 2 != 0) {
    request.refuse("hidden_size is ", hidden_size, "; allowed: an even one with ",
                   kValueFormatNames[static_cast<size_t>(recipe.value)],
                   ", which stores two codes a byte; pad the projection to ", hidden_size + 1);
  }
  const int64_t num_groups = groups_in(recipe, hidden_size);
  check_columns(request, recipe);
  check_code_bounds(request, recipe);
  const Intermediate intermediate = check_numbers(request);
  check_extent(request);
  ScaleTensor scales{};
  if (request.row.mutates) check_values(request, recipe, num_tokens, hidden_size);
  if (has_experts) {
    scales = check_expert_scales(request, recipe, num_groups, experts);
  } else if (request.scales.has_value()) {
    scales = check_scales(request, recipe, num_tokens, num_groups);
  }
  check_gradient(request, num_tokens, hidden_size);
  check_beside(request, Role::kWeight, request.weight, num_tokens, hidden_size);
  check_beside(request, Role::kGate, request.gate, num_tokens, hidden_size);
  check_beside(request, Role::kResidual, request.residual, num_tokens, hidden_size);
  check_beside(request, Role::kSumGradient, request.sum_gradient, num_tokens, hidden_size);
  check_single_number(request, recipe, Role::kScale, request.scale, experts);
  check_single_number(request, recipe, Role::kScaleUb, request.scale_ub, experts);
  check_devices(request);
  check_scale(request, recipe);
  check_bound(request);
  check_memory(request);
  Columns columns{};
  if (!request.row.mutates) {
    columns = allocate_columns(request, recipe, num_tokens, hidden_size);
    allocate_values(request, recipe, experts, num_tokens, hidden_size);
    if (has_experts) {
      scales = new_expert_scales(request, recipe, num_tokens, num_groups, experts);
    } else if (!request.row.is_backward) {
      scales = new_scales(request, recipe, num_tokens, num_groups);
    }
    if (request.residual.has_value()) {
      request.sum.emplace(new_tensor(*request.input, {num_tokens, hidden_size}, {hidden_size, 1},
                                     request.input->dtype));
    }
  }
  allocate_gradients(request, num_tokens, hidden_size);
  experts.scale_step = request.scale.has_value() && request.scale->num_elements > 1;
  const std::optional<TensorFacts>& sum = request.row.mutates ? request.residual : request.sum;
  const bool has_gradient = request.gradient.has_value();
  return {
      .producer = request.row.producer,
      .is_backward = request.row.is_backward,
      .is_interleaved = request.is_interleaved,
      .input_type = input_type_of(*request.input),
      .gradient_type = input_type_of(has_gradient ? *request.gradient : *request.input),
      .intermediate = intermediate,
      .value_format = recipe.value,
      .rule = recipe.rule,
      .is_by_token = recipe.group_size == kGroupIsRow,
      .scale_is_byte = scale_is_byte(recipe),
      .input = request.input->address,
      .gradient = has_gradient ? request.gradient->address : nullptr,
      .weight = address_of(request.weight),
      .gate = address_of(request.gate),
      .residual = address_of(request.residual),
      .sum = sum.has_value() ? sum->tensor.mutable_data_ptr() : nullptr,
      .keeps_sum = request.row.keeps_sum,
      .values = request.values->tensor.mutable_data_ptr(),
      .sum_gradient = address_of(request.sum_gradient),
      .gate_gradient = data_of(request.gate_gradient),
      .weight_gradient = data_of(request.weight_gradient),
      .workspace = static_cast<float*>(data_of(request.workspace)),
      .scales = scales.data,
      .given_scale = number_of(request.scale),
      .scale_bound = number_of(request.scale_ub),
      .bounds_amax = request.row.bounds_amax,
      .least = least_of(request, recipe),
      .device = request.input->device,
      .num_tokens = num_tokens,
      .hidden_size = hidden_size,
      .group_size = recipe.group_size == kGroupIsRow ? 0 : recipe.group_size,
      .input_row_bytes = row_bytes(request.input),
      .gradient_row_bytes = row_bytes(request.gradient),
      .values_row_bytes = row_bytes(request.values),
      .gate_row_bytes = row_bytes(request.gate),
      .residual_row_bytes = row_bytes(request.residual),
      .sum_row_bytes = row_bytes(sum),
      .sum_gradient_row_bytes = row_bytes(request.sum_gradient),
      .gate_gradient_row_bytes = row_bytes(request.gate_gradient),
      .place = scales.place,
      .first_scale_token = 0,
      .experts = experts,
      .columns = columns,
      .cleared = scales.cleared,
      .cleared_bytes = scales.cleared_bytes,
      .parameters = parameters_of(request),
  };
}

}  // namespace opparity
