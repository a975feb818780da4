#include "native/operators/checks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "native/operators/allocation.h"
#include "native/operators/experts.h"
#include "native/operators/recipe.h"
#include "native/operators/scales.h"
#include "native/operators/sums.h"
#include "native/operators/tensor_checks.h"

namespace opparity {
namespace {

// What a half's width is a multiple of where gradients have no groups.
constexpr int64_t kUsualMultiple = 32;

// What a producer's number and an eps may be: float32 holds them and their reciprocals.
constexpr double kLeast = 1e-30, kMost = 1e30;

void check_input(const Request& request) {
  const TensorFacts& input = *request.input;
  const bool is_gated = request.producer().is_gated;
  if (input.sizes.size() != 2) {
    request.refuse("input has ", input.sizes.size(), " dimensions; allowed: 2, [num_tokens, ",
                   is_gated ? "2 * hidden_size" : "hidden_size", "]; flatten the leading ones");
  }
  if (request.row.reads_sums) {
    check_dtype_of_sums(request);
  } else if (input.dtype != Dtype::kFloat16 && input.dtype != Dtype::kBFloat16 &&
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
  const ProducerFacts& facts = request.producer();
  for (int i = 0; i < facts.parameter_count; ++i) {
    check_number(request, facts.parameters[i], request.parameters[i], facts.is_positive[i]);
  }
  if (request.least_amax.has_value()) {
    check_number(request, request.name_of(Role::kLeastAmax), *request.least_amax, true);
  }
  // A gradient has no activation whose factors could be rounded.
  const bool has_factors = !request.row.quantises_gradient;
  for (size_t i = 0; i < std::size(kIntermediateNames); ++i) {
    const auto member = static_cast<Intermediate>(i);
    if (member == Intermediate::kInputDtype && !has_factors) continue;
    if (request.intermediate == kIntermediateNames[i]) return member;
  }
  request.refuse("intermediate is '", request.intermediate, "'; allowed: float32, ",
                 has_factors ? "input_dtype, " : "", "product; choose one");
}

// One scale is for the whole tensor, and codes are symmetric.
void check_extent(const Request& request) {
  if (request.group_shape.has_value() && *request.group_shape != std::vector<int64_t>{-1, -1}) {
    request.refuse(request.name_of(Role::kGroupShape), " is ", list_of(*request.group_shape),
                   "; allowed: None or [-1, -1], one scale for the whole tensor; pass that");
  }
  if (request.has_zero_points) {
    request.refuse(request.name_of(Role::kZeroPoints),
                   " is given; allowed: None, since codes are symmetric; leave it out");
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
  visit(Role::kRowWeights, request.row_weights);
  visit(Role::kTokenScales, request.token_scales);
  visit(Role::kWeightScales, request.weight_scales);
}

void check_devices(const Request& request) {
  for_each_tensor(request, [&](Role role, const std::optional<TensorFacts>& tensor) {
    if (!tensor.has_value() || tensor->is_on_device_of(*request.input)) return;
    request.refuse(request.name_of(role), " is on ", name_of_device(*tensor), " and input on ",
                   name_of_device(*request.input), "; allowed: one device; move them together");
  });
}

// What is behind a storage that was made smaller is nobody's, and must not even be read. Numbers at
// odd addresses, which from_blob and its like make, are a fault on a GPU and undefined in C++.
void check_storage(const Request& request) {
  const auto check = [&](Role role, const std::optional<TensorFacts>& tensor) {
    if (!tensor.has_value() || tensor->num_elements == 0) return;
    if (tensor->needed_bytes > tensor->storage_bytes) {
      request.refuse(request.name_of(role), " needs ", tensor->needed_bytes,
                     " bytes of a storage that has ", tensor->storage_bytes,
                     "; allowed: a storage that holds the tensor; resize the storage back");
    }
    const auto element = static_cast<uintptr_t>(tensor->tensor.element_size());
    if (tensor->begin % element != 0) {
      request.refuse(request.name_of(role), " begins ", tensor->begin % element,
                     " bytes behind a multiple of ", element,
                     "; allowed: an address that its dtype divides; clone() it");
    }
  };
  check(Role::kInput, request.input);
  for_each_tensor(request, check);
}

void check_memory(const Request& request) {
  if (!request.row.mutates) return;
  constexpr size_t kOutputs = 3;
  const std::pair<Role, const std::optional<TensorFacts>*> tensors[] = {
      {Role::kValues, &request.values},
      {Role::kScales, &request.scales},
      {Role::kResidual, &request.residual},
      {Role::kInput, &request.input},
      {Role::kWeight, &request.weight},
      {Role::kGate, &request.gate},
      {Role::kScale, &request.scale},
      {Role::kScaleUb, &request.scale_ub},
      {Role::kRows, &request.rows},
      {Role::kScaleOffsets, &request.scale_offsets},
      {Role::kRowWeights, &request.row_weights},
      {Role::kTokenScales, &request.token_scales},
      {Role::kWeightScales, &request.weight_scales}};
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

InputType input_type_of(Dtype dtype) {
  if (dtype == Dtype::kFloat16) return InputType::kFloat16;
  return dtype == Dtype::kBFloat16 ? InputType::kBFloat16 : InputType::kFloat32;
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

// Of a gradient that is quantised: no group may have numbers of gates and of ups.
void check_quantised_gradient(const Request& request, const RecipeRow& recipe,
                              int64_t hidden_size) {
  if (!request.row.quantises_gradient) return;
  if (recipe.value == ValueFormat::kInputType || recipe.group_size == kGroupIsRow) {
    request.refuse("recipe is '", *request.recipe, "' of a gradient; allowed: values in groups, ",
                   "or with one scale that is given; choose one");
  }
  const int64_t multiple = recipe.group_size > 0 ? recipe.group_size : kUsualMultiple;
  if (request.is_interleaved || !request.producer().is_gated || hidden_size % multiple == 0) return;
  request.refuse("hidden_size is ", hidden_size, "; allowed: a multiple of ", multiple,
                 " where gate and up stand in halves; pad the projection to ",
                 (hidden_size + multiple - 1) / multiple * multiple);
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
  check_storage(request);
  Experts experts = flatten_experts(request);
  const bool has_experts = experts.layout != ExpertLayout::kNone;
  check_input(request);
  const RecipeRow recipe = recipe_of(request);
  const int64_t num_tokens = request.input->sizes[0];
  const int64_t product_size = request.input->sizes[1] / (request.producer().is_gated ? 2 : 1);
  const int64_t hidden_size =
      request.row.quantises_gradient ? request.input->sizes[1] : product_size;
  if (packs_values(recipe) && hidden_size % 2 != 0) {
    request.refuse("hidden_size is ", hidden_size, "; allowed: an even one with ",
                   kValueFormatNames[static_cast<size_t>(recipe.value)],
                   ", which stores two codes a byte; pad the projection to ", hidden_size + 1);
  }
  const int64_t num_groups = groups_in(recipe, hidden_size);
  check_columns(request, recipe);
  check_quantised_gradient(request, recipe, product_size);
  check_code_bounds(request, recipe);
  const Intermediate intermediate = check_numbers(request);
  const Dtype dtype = dtype_of(request);
  check_extent(request);
  ScaleTensor scales{};
  if (request.row.mutates) check_values(request, recipe, num_tokens, hidden_size);
  if (has_experts) {
    scales = check_expert_scales(request, recipe, num_groups, experts);
  } else if (request.scales.has_value()) {
    scales = check_scales(request, recipe, num_tokens, num_groups);
  }
  check_gradient(request, num_tokens, product_size);
  check_beside(request, Role::kWeight, request.weight, num_tokens, hidden_size);
  check_beside(request, Role::kGate, request.gate, num_tokens, hidden_size);
  check_beside(request, Role::kResidual, request.residual, num_tokens, hidden_size);
  check_beside(request, Role::kSumGradient, request.sum_gradient, num_tokens, hidden_size);
  check_single_number(request, recipe, Role::kScale, request.scale, experts);
  check_single_number(request, recipe, Role::kScaleUb, request.scale_ub, experts);
  check_row_weights(request, experts);
  check_sums(request);
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
      request.sum.emplace(
          request.new_tensor({num_tokens, hidden_size}, {hidden_size, 1}, request.input->dtype));
    }
  }
  allocate_gradients(request, num_tokens, hidden_size);
  experts.scale_step = request.scale.has_value() && request.scale->num_elements > 1;
  const std::optional<TensorFacts>& sum = request.row.mutates ? request.residual : request.sum;
  const bool has_gradient = request.gradient.has_value();
  return {
      .producer = request.row.producer,
      .is_backward = request.row.is_backward,
      .quantises_gradient = request.row.quantises_gradient,
      .is_interleaved = request.is_interleaved,
      .input_type = input_type_of(dtype),
      .gradient_type = input_type_of(has_gradient ? request.gradient->dtype : dtype),
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
      .row_weights = number_of(request.row_weights),
      .token_scales = number_of(request.token_scales),
      .weight_scales = number_of(request.weight_scales),
      .columns = columns,
      .cleared = scales.cleared,
      .cleared_bytes = scales.cleared_bytes,
      .parameters = parameters_of(request),
  };
}

}  // namespace opparity
