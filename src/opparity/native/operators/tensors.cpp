#include "native/operators/tensors.h"

#include <torch/csrc/inductor/aoti_torch/c/shim.h>
#include <torch/csrc/stable/c/shim.h>

#include <utility>

namespace opparity {
namespace {

struct DtypeRow {
  int32_t torch_number;
  Dtype dtype;
  const char* name;
  int64_t bytes;
};

const std::vector<DtypeRow>& dtypes() {
  static const std::vector<DtypeRow> rows = {
      {aoti_torch_dtype_float16(), Dtype::kFloat16, "float16", 2},
      {aoti_torch_dtype_bfloat16(), Dtype::kBFloat16, "bfloat16", 2},
      {aoti_torch_dtype_float32(), Dtype::kFloat32, "float32", 4},
      {aoti_torch_dtype_float8_e4m3fn(), Dtype::kFloat8E4M3FN, "float8_e4m3fn", 1},
      {aoti_torch_dtype_float8_e4m3fnuz(), Dtype::kFloat8E4M3FNUZ, "float8_e4m3fnuz", 1},
      {aoti_torch_dtype_float8_e5m2(), Dtype::kFloat8E5M2, "float8_e5m2", 1},
      {aoti_torch_dtype_int8(), Dtype::kInt8, "int8", 1},
      {aoti_torch_dtype_uint8(), Dtype::kUint8, "uint8", 1},
      {aoti_torch_dtype_int32(), Dtype::kInt32, "int32", 4},
      {torch_dtype_float8_e8m0fnu(), Dtype::kFloat8E8M0FNU, "float8_e8m0fnu", 1},
      {torch_dtype_float4_e2m1fn_x2(), Dtype::kFloat4E2M1FNX2, "float4_e2m1fn_x2", 1},
      {aoti_torch_dtype_float8_e5m2fnuz(), Dtype::kOther, "float8_e5m2fnuz", 1},
      {aoti_torch_dtype_float64(), Dtype::kOther, "float64", 8},
      {aoti_torch_dtype_int16(), Dtype::kOther, "int16", 2},
      {aoti_torch_dtype_int64(), Dtype::kOther, "int64", 8},
      {aoti_torch_dtype_uint16(), Dtype::kOther, "uint16", 2},
      {aoti_torch_dtype_uint32(), Dtype::kOther, "uint32", 4},
      {aoti_torch_dtype_uint64(), Dtype::kOther, "uint64", 8},
      {aoti_torch_dtype_bool(), Dtype::kOther, "bool", 1},
      {aoti_torch_dtype_complex32(), Dtype::kOther, "complex32", 4},
      {aoti_torch_dtype_complex64(), Dtype::kOther, "complex64", 8},
      {aoti_torch_dtype_complex128(), Dtype::kOther, "complex128", 16},
  };
  return rows;
}

const DtypeRow* row_of(int32_t torch_number) {
  for (const DtypeRow& row : dtypes()) {
    if (row.torch_number == torch_number) return &row;
  }
  return nullptr;
}

const DtypeRow& row_of(Dtype dtype) { return dtypes()[static_cast<size_t>(dtype)]; }

}  // namespace

Dtype dtype_of(int32_t torch_number) {
  const DtypeRow* row = row_of(torch_number);
  return row == nullptr ? Dtype::kOther : row->dtype;
}

int32_t torch_number_of(Dtype dtype) { return row_of(dtype).torch_number; }

int64_t bytes_of(Dtype dtype) { return row_of(dtype).bytes; }

std::string name_of_dtype(int32_t torch_number) {
  const DtypeRow* row = row_of(torch_number);
  return row == nullptr ? "number " + std::to_string(torch_number) : row->name;
}

TensorFacts::TensorFacts(torch::stable::Tensor owned)
    : tensor(std::move(owned)),
      sizes(tensor.sizes()),
      strides(tensor.strides()),
      is_cpu(tensor.is_cpu()),
      device(tensor.get_device_index()),
      address(tensor.const_data_ptr()) {
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_device_type(tensor.get(), &device_type));
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_dtype(tensor.get(), &torch_dtype));
  dtype = dtype_of(torch_dtype);
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    num_elements *= sizes[i];
    last += (sizes[i] - 1) * strides[i];
  }
  if (num_elements == 0) return;
  begin = reinterpret_cast<uintptr_t>(address);
  end = begin + static_cast<uintptr_t>(last + 1) * tensor.element_size();
  int64_t offset = 0;
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_storage_offset(tensor.get(), &offset));
  TORCH_ERROR_CODE_CHECK(aoti_torch_get_storage_size(tensor.get(), &storage_bytes));
  needed_bytes = (offset + last + 1) * static_cast<int64_t>(tensor.element_size());
}

}  // namespace opparity
