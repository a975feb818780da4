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

// What the checks ask of a tensor. Each question is a call into torch, and one for the dtype is up
// to fifteen, so that they are asked once.
struct TensorFacts {
  explicit TensorFacts(const Tensor& tensor)
      : sizes(tensor.sizes()),
        strides(tensor.strides()),
        type(tensor.scalar_type()),
        is_cpu(tensor.is_cpu()),
        device(tensor.get_device_index()),
        address(tensor.const_data_ptr()) {
    TORCH_ERROR_CODE_CHECK(aoti_torch_get_device_type(tensor.get(), &device_type));
    int64_t last = 0;
    for (size_t i = 0; i < sizes.size(); ++i) {
      num_elements *= sizes[i];
      last += (sizes[i] - 1) * strides[i];
    }
    if (num_elements == 0) return;
    begin = reinterpret_cast<uintptr_t>(address);
    end = begin + static_cast<uintptr_t>(last + 1) * tensor.element_size();
  }
  bool overlaps(const TensorFacts& other) const { return begin < other.end && other.begin < end; }
  bool has_shape(int64_t rows, int64_t columns) const {
    return sizes.size() == 2 && sizes[0] == rows && sizes[1] == columns;
  }

  torch::headeronly::IntHeaderOnlyArrayRef sizes;
  torch::headeronly::IntHeaderOnlyArrayRef strides;
  ScalarType type;
  bool is_cpu;
  int32_t device_type = 0;
  int device;
  const void* address;
  int64_t num_elements = 1;
  // The addresses that the elements span; none for no elements.
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

inline void refuse_shared_memory(const char* operator_name, const char* name,
                                 const TensorFacts& tensor, const char* other_name,
                                 const TensorFacts& other) {
  if (!tensor.overlaps(other)) return;
  refuse(operator_name, name, " and ", other_name,
         " share memory; allowed: separate memory; allocate ", name, " anew");
}

}  // namespace opparity
