// Words for error messages, the same as the Python checks use.
#pragma once

#include <torch/csrc/stable/c/shim.h>
#include <torch/csrc/stable/tensor.h>
#include <torch/headeronly/core/ScalarType.h>

#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>

namespace opparity {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;

// Throws what Python sees as a RuntimeError: "<operator>: <what was given; allowed; what to do>".
template <typename... Parts>
[[noreturn]] void refuse(const char* operator_name, const Parts&... parts) {
  std::ostringstream message;
  message << operator_name << ": ";
  (message << ... << parts);
  throw std::runtime_error(message.str());
}

inline std::string name_of(ScalarType type) {
  switch (type) {
    case ScalarType::Byte:
      return "uint8";
    case ScalarType::Char:
      return "int8";
    case ScalarType::Short:
      return "int16";
    case ScalarType::Int:
      return "int32";
    case ScalarType::Long:
      return "int64";
    case ScalarType::Half:
      return "float16";
    case ScalarType::Float:
      return "float32";
    case ScalarType::Double:
      return "float64";
    case ScalarType::ComplexHalf:
      return "complex32";
    case ScalarType::ComplexFloat:
      return "complex64";
    case ScalarType::ComplexDouble:
      return "complex128";
    case ScalarType::Bool:
      return "bool";
    case ScalarType::BFloat16:
      return "bfloat16";
    case ScalarType::Float8_e5m2:
      return "float8_e5m2";
    case ScalarType::Float8_e4m3fn:
      return "float8_e4m3fn";
    case ScalarType::Float8_e5m2fnuz:
      return "float8_e5m2fnuz";
    case ScalarType::Float8_e4m3fnuz:
      return "float8_e4m3fnuz";
    case ScalarType::Float8_e8m0fnu:
      return "float8_e8m0fnu";
    default:
      return "number " + std::to_string(static_cast<int>(type));
  }
}

// A string argument of an operator. torch's own conversion to std::string leaks one for each call
// (ToImpl<std::string> in torch 2.13's stableivalue_conversions.h), so kernels take the handle.
inline std::string take_string(StringHandle handle) {
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

template <typename Values>
std::string words(const Values& values) {
  std::ostringstream text;
  text << '[';
  for (size_t i = 0; i < values.size(); ++i) text << (i == 0 ? "" : ", ") << values[i];
  text << ']';
  return text.str();
}

// The addresses that a tensor's elements span.
struct Span {
  explicit Span(const Tensor& tensor) {
    if (tensor.numel() == 0) return;
    int64_t last = 0;
    for (int64_t i = 0; i < tensor.dim(); ++i) last += (tensor.size(i) - 1) * tensor.stride(i);
    begin = reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
    end = begin + static_cast<uintptr_t>(last + 1) * tensor.element_size();
  }
  bool overlaps(const Span& other) const { return begin < other.end && other.begin < end; }
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

inline void refuse_shared_memory(const char* operator_name, const char* name, const Tensor& tensor,
                                 const char* other_name, const Tensor& other) {
  if (!Span(tensor).overlaps(Span(other))) return;
  refuse(operator_name, name, " and ", other_name,
         " share memory; allowed: separate memory; allocate ", name, " anew");
}

}  // namespace opparity
