#include "context.h"

at::Tensor norm(const at::Tensor& input) { return at::empty({1}, input.options()); }

at::Tensor strided(const at::Tensor& input) {
  return at::vendor::empty_strided(input.sizes(), input.strides());
}
