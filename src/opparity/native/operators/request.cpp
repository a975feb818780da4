#include "native/operators/request.h"

#include <dlfcn.h>
#include <torch/csrc/stable/library.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace opparity {
namespace {

using torch::stable::Tensor;
using torch::stable::detail::to;

// torch's own conversion to std::string leaks one for each call (ToImpl<std::string> in
// torch 2.13's stableivalue_conversions.h), so the handle is taken.
std::string take_string(StableIValue value) {
  const auto handle = to<StringHandle>(value);
  size_t length = 0;
  const char* text = nullptr;
  if (torch_string_length(handle, &length) != AOTI_TORCH_SUCCESS ||
      torch_string_c_str(handle, &text) != AOTI_TORCH_SUCCESS) {
    throw std::runtime_error("torch does not hand out the string argument of an operator");
  }
  std::string taken(text, length);
  if (torch_delete_string(handle) != AOTI_TORCH_SUCCESS) {
    throw std::runtime_error("torch does not take back the string argument of an operator");
  }
  return taken;
}

std::optional<TensorFacts> take_tensor(const Request& request, const ArgumentRow& argument,
                                       StableIValue value) {
  if (!argument.is_optional) {
    Tensor given = to<Tensor>(value);
    // torch takes None for any tensor where another argument tells it whom to call.
    if (!given.defined()) request.refuse(argument.name, " is None; allowed: a tensor; pass one");
    return TensorFacts(std::move(given));
  }
  std::optional<Tensor> tensor = to<std::optional<Tensor>>(value);
  if (!tensor.has_value()) return std::nullopt;
  return TensorFacts(std::move(*tensor));
}

size_t parameter_index(const OperatorRow& row, const char* name) {
  const ProducerFacts& facts = kProducerFacts[static_cast<size_t>(row.producer)];
  for (int i = 0; i < facts.parameter_count; ++i) {
    if (std::strcmp(facts.parameters[i], name) == 0) return static_cast<size_t>(i);
  }
  throw std::runtime_error(std::string(row.name) + ": no parameter is named " + name);
}

void take(Request& request, const ArgumentRow& argument, StableIValue value) {
  switch (argument.role) {
    case Role::kInput:
      request.input = take_tensor(request, argument, value);
      return;
    case Role::kGradient:
      request.gradient = take_tensor(request, argument, value);
      return;
    case Role::kWeight:
      request.weight = take_tensor(request, argument, value);
      return;
    case Role::kGate:
      request.gate = take_tensor(request, argument, value);
      return;
    case Role::kResidual:
      request.residual = take_tensor(request, argument, value);
      return;
    case Role::kValues:
      request.values = take_tensor(request, argument, value);
      return;
    case Role::kScales:
      request.scales = take_tensor(request, argument, value);
      return;
    case Role::kScale:
      request.scale = take_tensor(request, argument, value);
      return;
    case Role::kScaleUb:
      request.scale_ub = take_tensor(request, argument, value);
      return;
    case Role::kRecipe:
      request.recipe = take_string(value);
      return;
    case Role::kIntermediate:
      request.intermediate = take_string(value);
      return;
    case Role::kInterleaved:
      request.is_interleaved = to<bool>(value);
      return;
    case Role::kGroupSize:
      request.group_size = to<int64_t>(value);
      return;
    case Role::kIsScaleTransposed:
      request.is_scale_transposed = to<bool>(value);
      return;
    case Role::kScaleUe8m0:
      request.rounds_scales_up = to<bool>(value);
      return;
    case Role::kLeastAmax:
      request.least_amax = to<double>(value);
      return;
    case Role::kCodeMinimum:
      request.code_minimum = to<double>(value);
      return;
    case Role::kCodeMaximum:
      request.code_maximum = to<double>(value);
      return;
    case Role::kGroupShape:
      request.group_shape = to<std::optional<std::vector<int64_t>>>(value);
      return;
    case Role::kZeroPoints:
      request.has_zero_points = take_tensor(request, argument, value).has_value();
      return;
    case Role::kSumGradient:
      request.sum_gradient = take_tensor(request, argument, value);
      return;
    case Role::kRows:
      request.rows = take_tensor(request, argument, value);
      return;
    case Role::kScaleOffsets:
      request.scale_offsets = take_tensor(request, argument, value);
      return;
    case Role::kRowWeights:
      request.row_weights = take_tensor(request, argument, value);
      return;
    case Role::kTokenScales:
      request.token_scales = take_tensor(request, argument, value);
      return;
    case Role::kWeightScales:
      request.weight_scales = take_tensor(request, argument, value);
      return;
    case Role::kDtype:
      request.dtype = take_string(value);
      return;
    case Role::kExperts:
      request.experts = take_string(value);
      return;
    case Role::kMultiple:
      request.multiple = to<int64_t>(value);
      return;
    case Role::kParameter:
      request.parameters[parameter_index(request.row, argument.name)] = to<double>(value);
      return;
    case Role::kUnused:
      return;
  }
}

// Why torch's last function failed: the first line, without where in its own files that was. torch
// tells it from 2.13 on, and prints it before.
std::string words_of_torch() {
  using Tell = const char*();
  const auto tell =
      reinterpret_cast<Tell*>(dlsym(RTLD_DEFAULT, "torch_exception_get_what_without_backtrace"));
  const char* told = tell != nullptr ? tell() : nullptr;
  if (told == nullptr || *told == '\0') return " (it prints why to stderr)";
  std::string words(told);
  words.resize(std::min(words.find('\n'), words.size()));
  const size_t place = words.starts_with('[') ? words.find("] ") : std::string::npos;
  return ": " + (place == std::string::npos ? words : words.substr(place + 2));
}

}  // namespace

torch::stable::Tensor Request::new_tensor(const std::vector<int64_t>& sizes,
                                          const std::vector<int64_t>& strides, Dtype dtype) const {
  AtenTensorHandle handle = nullptr;
  const AOTITorchError error =
      aoti_torch_empty_strided(static_cast<int64_t>(sizes.size()), sizes.data(), strides.data(),
                               torch_number_of(dtype), input->device_type, input->device, &handle);
  if (error != AOTI_TORCH_SUCCESS) {
    refuse("a result has shape ", list_of(sizes), " and dtype ",
           name_of_dtype(torch_number_of(dtype)), ", which torch cannot allocate", words_of_torch(),
           "; allowed: what fits in the device's memory; split the call, or start a new process if "
           "an earlier call has failed on the device");
  }
  return torch::stable::Tensor(handle);
}

Request take_request(const OperatorRow& row, StableIValue* stack) {
  Request request(row);
  for (int i = 0; i < row.argument_count; ++i) take(request, row.arguments[i], stack[i]);
  if (row.is_in_place) request.values = request.input;
  return request;
}

}  // namespace opparity
