#include "native/operators/sums.h"

#include <string>

namespace opparity {
namespace {

// float32 numbers [count, 1] that lie one after another.
void check_list(const Request& request, Role role, const TensorFacts& tensor, int64_t count,
                const char* meaning) {
  const char* name = request.name_of(role);
  if (tensor.dtype != Dtype::kFloat32) {
    request.refuse(name, " has dtype ", name_of_dtype(tensor.torch_dtype),
                   "; allowed: float32; cast it");
  }
  if (!tensor.has_shape(count, 1)) {
    request.refuse(name, " has shape ", list_of(tensor.sizes), "; allowed: [", count, ", 1], ",
                   meaning, "; pass those");
  }
  if (count > 1 && tensor.strides[0] != 1) {
    request.refuse(name, " has strides ", list_of(tensor.strides),
                   "; allowed: 1 in the first dimension; call contiguous()");
  }
}

}  // namespace

void check_dtype_of_sums(const Request& request) {
  if (request.input->dtype == Dtype::kInt32) return;
  std::string general = request.row.name;
  general.resize(general.size() - std::string("_of_sums").size());
  request.refuse("input has dtype ", name_of_dtype(request.input->torch_dtype),
                 "; allowed: int32, the sums of a product of int8 matrices; pass those, or call ",
                 general, " with numbers");
}

Dtype dtype_of(const Request& request) {
  if (!request.row.reads_sums) return request.input->dtype;
  for (const Dtype dtype : {Dtype::kFloat16, Dtype::kBFloat16, Dtype::kFloat32}) {
    if (request.dtype == name_of_dtype(torch_number_of(dtype))) return dtype;
  }
  request.refuse(request.name_of(Role::kDtype), " is '", request.dtype,
                 "'; allowed: float16, bfloat16, float32; choose one");
}

void check_sums(const Request& request) {
  if (!request.row.reads_sums) return;
  const auto& sizes = request.input->sizes;
  check_list(request, Role::kTokenScales, *request.token_scales, sizes[0],
             "[num_tokens, 1], one for each row");
  check_list(request, Role::kWeightScales, *request.weight_scales, sizes[1],
             "[width, 1], one for each column of the input");
}

}  // namespace opparity
