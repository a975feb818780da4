// The schemas of silu_and_mul_per_block_quant and its checks; shapes.py and memory.py make the same
// checks with the same words.
#include "operators/silu_and_mul_per_block_quant/checks.h"

#include <torch/csrc/stable/library.h>

#include <utility>

#include "native/checks.h"

namespace {

using opparity::name_of;
using opparity::ScalarType;
using opparity::Tensor;
using opparity::TensorFacts;
using opparity::words;
using opparity::silu_and_mul_per_block_quant::InputType;
using opparity::silu_and_mul_per_block_quant::ValueType;

constexpr char kName[] = "silu_and_mul_per_block_quant";

template <typename... Parts>
[[noreturn]] void reject(const Parts&... parts) {
  opparity::refuse(kName, parts...);
}

void check_input(const TensorFacts& input, int64_t group_size) {
  if (input.sizes.size() != 2) {
    reject("input has ", input.sizes.size(),
           " dimensions; allowed: 2, [num_tokens, 2 * hidden_size]; ", "flatten the leading ones");
  }
  const ScalarType type = input.type;
  if (type != ScalarType::Half && type != ScalarType::BFloat16 && type != ScalarType::Float) {
    reject("input has dtype ", name_of(type), "; allowed: float16, bfloat16, float32; cast it");
  }
  const int64_t width = input.sizes[1];
  if (width % 2 != 0 || width == 0) {
    reject("input is ", width, " wide; allowed: an even width of at least 2; ",
           "concatenate gate and up in the last dimension");
  }
  if (input.strides[1] != 1) {
    reject("input's last dimension has stride ", input.strides[1],
           "; allowed: 1; call contiguous()");
  }
  if (group_size != 16 && group_size != 32 && group_size != 64 && group_size != 128 &&
      group_size != 256) {
    reject("group_size is ", group_size, "; allowed: 16, 32, 64, 128, 256; choose one");
  }
  const int64_t hidden_size = width / 2;
  if (hidden_size % group_size != 0) {
    reject("hidden_size is ", hidden_size, "; allowed: a multiple of group_size ", group_size,
           "; pad the projection to ", (hidden_size / group_size + 1) * group_size,
           " or choose a group_size that divides it");
  }
}

void check_out(const TensorFacts& out, int64_t num_tokens, int64_t hidden_size) {
  if (!out.has_shape(num_tokens, hidden_size)) {
    reject("out has shape ", words(out.sizes), "; allowed: [", num_tokens, ", ", hidden_size,
           "], [num_tokens, hidden_size]; allocate it so");
  }
  const ScalarType type = out.type;
  if (type != ScalarType::Float8_e4m3fn && type != ScalarType::Float8_e4m3fnuz &&
      type != ScalarType::Char) {
    reject("out has dtype ", name_of(type),
           "; allowed: float8_e4m3fn, float8_e4m3fnuz, int8; allocate it so");
  }
  if ((hidden_size > 1 && out.strides[1] != 1) ||
      (num_tokens > 1 && out.strides[0] < hidden_size)) {
    reject("out has strides ", words(out.strides),
           "; allowed: 1 in the last dimension and at least ", hidden_size,
           " in the first; allocate it so");
  }
}

// The strides of scales by token and by group, whichever way round it came.
std::pair<int64_t, int64_t> scale_strides(const TensorFacts& scales, int64_t num_tokens,
                                          int64_t num_groups, bool is_scale_transposed) {
  if (scales.type != ScalarType::Float) {
    reject("scales has dtype ", name_of(scales.type), "; allowed: float32; allocate it so");
  }
  bool by_token = scales.has_shape(num_tokens, num_groups);
  bool swapped = false;
  if (is_scale_transposed && scales.has_shape(num_groups, num_tokens)) {
    // With as many groups as tokens the shape does not tell; the strides do.
    swapped = !by_token || scales.strides[0] >= scales.strides[1];
    by_token = true;
  }
  if (!by_token) {
    if (is_scale_transposed) {
      reject("scales has shape ", words(scales.sizes), "; allowed: [", num_groups, ", ", num_tokens,
             "], [num_groups, num_tokens], or the transposed view of such a tensor",
             "; allocate it so");
    }
    reject("scales has shape ", words(scales.sizes), "; allowed: [", num_tokens, ", ", num_groups,
           "], [num_tokens, num_groups]; allocate it so");
  }
  const int64_t token_stride = scales.strides[swapped ? 1 : 0];
  const int64_t group_stride = scales.strides[swapped ? 0 : 1];
  if (is_scale_transposed && num_tokens > 1 && num_groups > 1 && token_stride > group_stride) {
    reject("scales has strides ", words(scales.strides), " and is_scale_transposed is True; ",
           "allowed: a group's scales next to each other; ",
           "pass the transposed view of a [num_groups, num_tokens] tensor");
  }
  std::pair<int64_t, int64_t> inner{token_stride, num_tokens}, outer{group_stride, num_groups};
  if (inner > outer) std::swap(inner, outer);
  int64_t reach = 0;
  for (const auto& [stride, size] : {inner, outer}) {
    if (size <= 1) continue;
    if (stride <= reach) {
      reject("scales has strides ", words(scales.strides), ", so that elements share memory; ",
             "allowed: a place for each scale; allocate it so");
    }
    reach += stride * (size - 1);
  }
  return {token_stride, group_stride};
}

void check_bound(const TensorFacts& scale_ub) {
  if (scale_ub.type != ScalarType::Float) {
    reject("scale_ub has dtype ", name_of(scale_ub.type), "; allowed: float32; cast it");
  }
  if (scale_ub.num_elements != 1) {
    reject("scale_ub has ", scale_ub.num_elements, " elements; allowed: 1; give one bound for all");
  }
}

std::string name_of_device(const TensorFacts& tensor) {
  return tensor.is_cpu ? "cpu" : "cuda:" + std::to_string(tensor.device);
}

void check_device(const char* name, const TensorFacts& tensor, const TensorFacts& input) {
  if (tensor.device_type == input.device_type && tensor.device == input.device) return;
  reject(name, " is on ", name_of_device(tensor), " and input on ", name_of_device(input),
         "; allowed: one device; move them together");
}

// The value of a bound on the CPU. One on a GPU is not read: that would wait for the GPU and end a
// graph capture; the kernel writes NaN scales for a bound that is not above zero.
void check_bound_value(const TensorFacts& scale_ub) {
  if (!scale_ub.is_cpu) return;
  const float bound = *static_cast<const float*>(scale_ub.address);
  if (!(bound > 0.0f)) {
    reject("scale_ub is ", bound, "; allowed: a number above 0; leave it out for none");
  }
}

InputType input_type_of(const TensorFacts& input) {
  switch (input.type) {
    case ScalarType::Half:
      return InputType::kFloat16;
    case ScalarType::BFloat16:
      return InputType::kBFloat16;
    default:
      return InputType::kFloat32;
  }
}

ValueType value_type_of(const TensorFacts& out) {
  switch (out.type) {
    case ScalarType::Float8_e4m3fn:
      return ValueType::kFloat8E4M3FN;
    case ScalarType::Float8_e4m3fnuz:
      return ValueType::kFloat8E4M3FNUZ;
    default:
      return ValueType::kInt8;
  }
}

}  // namespace

namespace opparity::silu_and_mul_per_block_quant {

Checked check(const Tensor& out, const Tensor& input, const Tensor& scales, int64_t group_size,
              const std::optional<Tensor>& scale_ub, bool is_scale_transposed,
              const std::string& intermediate) {
  const TensorFacts input_facts(input), out_facts(out), scales_facts(scales);
  std::optional<TensorFacts> bound;
  if (scale_ub.has_value()) bound.emplace(*scale_ub);
  check_input(input_facts, group_size);
  const int64_t num_tokens = input_facts.sizes[0], hidden_size = input_facts.sizes[1] / 2;
  check_out(out_facts, num_tokens, hidden_size);
  const auto [token_stride, group_stride] =
      scale_strides(scales_facts, num_tokens, hidden_size / group_size, is_scale_transposed);
  if (bound.has_value()) check_bound(*bound);
  check_device("out", out_facts, input_facts);
  check_device("scales", scales_facts, input_facts);
  if (bound.has_value()) check_device("scale_ub", *bound, input_facts);
  if (intermediate != "float32" && intermediate != "input_dtype") {
    reject("intermediate is '", intermediate, "'; allowed: float32, input_dtype; choose one");
  }
  if (bound.has_value()) check_bound_value(*bound);
  refuse_shared_memory(kName, "out", out_facts, "scales", scales_facts);
  refuse_shared_memory(kName, "out", out_facts, "input", input_facts);
  refuse_shared_memory(kName, "scales", scales_facts, "input", input_facts);
  if (bound.has_value()) {
    refuse_shared_memory(kName, "out", out_facts, "scale_ub", *bound);
    refuse_shared_memory(kName, "scales", scales_facts, "scale_ub", *bound);
  }
  return {
      .input = input_facts.address,
      .out = out.mutable_data_ptr(),
      .scales = static_cast<float*>(scales.mutable_data_ptr()),
      .scale_bound = bound.has_value() ? static_cast<const float*>(bound->address) : nullptr,
      .device = input_facts.device,
      .num_tokens = num_tokens,
      .hidden_size = hidden_size,
      .group_size = group_size,
      .input_row_stride = input_facts.strides[0],
      .out_row_stride = out_facts.strides[0],
      .scale_token_stride = token_stride,
      .scale_group_stride = group_stride,
      .input_type = input_type_of(input_facts),
      .value_type = value_type_of(out_facts),
      .rounds_to_input_type = intermediate == "input_dtype",
  };
}

}  // namespace opparity::silu_and_mul_per_block_quant

STABLE_TORCH_LIBRARY_FRAGMENT(opparity, library) {
  library.def(
      "silu_and_mul_per_block_quant(Tensor! out, Tensor input, Tensor! scales, int group_size, "
      "Tensor? scale_ub=None, bool is_scale_transposed=False) -> ()");
  library.def(
      "silu_and_mul_per_block_quant.intermediate(Tensor! out, Tensor input, Tensor! scales, "
      "int group_size, Tensor? scale_ub, bool is_scale_transposed, str intermediate) -> ()");
}
