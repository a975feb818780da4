#include "native/operators/tensor_checks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "native/operators/scales.h"
#include "native/operators/sums.h"

namespace opparity {
namespace {

// Experts may have a given scale each.
void check_scales_of_experts(const Request& request, const TensorFacts& tensor, int64_t count) {
  const bool is_list = tensor.sizes.size() == 1 && tensor.strides[0] == 1;
  if (tensor.num_elements == 1 || (tensor.num_elements == count && is_list)) return;
  request.refuse(request.name_of(Role::kScale), " has ", tensor.num_elements,
                 " elements; allowed: 1, or a list of ", count,
                 ", one for each expert; give those");
}

// A number on a GPU is not read: that would wait for the GPU and end a graph capture. There the
// kernel writes NaN scales for a bound that is not above zero.
std::vector<float> numbers_on_cpu(const std::optional<TensorFacts>& tensor) {
  if (!tensor.has_value() || !tensor->is_cpu) return {};
  const auto* numbers = static_cast<const float*>(tensor->address);
  return {numbers, numbers + tensor->num_elements};
}

}  // namespace

void check_last_stride(const Request& request, Role role, const TensorFacts& tensor) {
  const size_t last = tensor.sizes.size() - 1;
  if (tensor.sizes[last] > 1 && tensor.strides[last] != 1) {
    request.refuse(request.name_of(role), "'s last dimension has stride ", tensor.strides[last],
                   "; allowed: 1; call contiguous()");
  }
}

void check_values(const Request& request, const RecipeRow& recipe, int64_t num_tokens,
                  int64_t hidden_size) {
  const TensorFacts& values = *request.values;
  const char* name = request.name_of(Role::kValues);
  if (recipe.value == ValueFormat::kInputType) {
    const Dtype allowed = dtype_of(request);
    if (values.dtype != allowed) {
      request.refuse(name, " has dtype ", name_of_dtype(values.torch_dtype),
                     "; allowed: ", name_of_dtype(torch_number_of(allowed)), ", ",
                     request.row.reads_sums ? "as dtype says" : "the input's", "; allocate it so");
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

}  // namespace opparity
