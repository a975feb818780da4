#pragma once

#include <ATen/ATen.h>

namespace at {
namespace vendor {

at::Tensor empty(at::IntArrayRef size, const at::TensorOptions& options);
at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride);

}  // namespace vendor
}  // namespace at
