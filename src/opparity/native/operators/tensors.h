// What the checks ask of a tensor, and new tensors.
#pragma once

#include <torch/csrc/stable/tensor.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace opparity {

// torch numbers its dtypes anew now and then, so its own numbers are asked for, once.
enum class Dtype {
  kFloat16,
  kBFloat16,
  kFloat32,
  kFloat8E4M3FN,
  kFloat8E4M3FNUZ,
  kFloat8E5M2,
  kInt8,
  kUint8,
  kInt32,
  kFloat8E8M0FNU,
  kFloat4E2M1FNX2,
  kOther,
};

Dtype dtype_of(int32_t torch_number);
int32_t torch_number_of(Dtype dtype);
// As Python prints it, without "torch."; kOther ones too.
std::string name_of_dtype(int32_t torch_number);
int64_t bytes_of(Dtype dtype);

// Each question is a call into torch, so that they are asked once.
struct TensorFacts {
  explicit TensorFacts(torch::stable::Tensor owned);

  bool overlaps(const TensorFacts& other) const { return begin < other.end && other.begin < end; }
  bool has_shape(int64_t rows, int64_t columns) const {
    return sizes.size() == 2 && sizes[0] == rows && sizes[1] == columns;
  }
  bool is_on_device_of(const TensorFacts& other) const {
    return device_type == other.device_type && device == other.device;
  }

  torch::stable::Tensor tensor;
  torch::headeronly::IntHeaderOnlyArrayRef sizes;
  torch::headeronly::IntHeaderOnlyArrayRef strides;
  int32_t torch_dtype;
  Dtype dtype;
  bool is_cpu;
  int32_t device_type = 0;
  int32_t device = 0;
  const void* address;
  int64_t num_elements = 1;
  // The addresses that the elements span; none for no elements.
  uintptr_t begin = 0;
  uintptr_t end = 0;
  // How many bytes of its storage it needs, and how many there are: a storage may be made smaller.
  int64_t needed_bytes = 0;
  int64_t storage_bytes = 0;
};

}  // namespace opparity
