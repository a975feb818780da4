#include "ops.h"

template <typename T>
T clamped(float value);

template <>
int clamped(float value) {
  return static_cast<int>(value);
}

#ifndef WITHOUT_LONG
template <>
long clamped(float value) {
  return static_cast<long>(value);
}
#endif

torch::Tensor shift(const torch::Tensor& input) {
  return input + clamped<int>(1.0f);
}
