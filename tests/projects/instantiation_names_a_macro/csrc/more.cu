#include "ops.h"

#define IS_DEVICE true

template <bool IS_ON_DEVICE>
torch::Tensor shifted(const torch::Tensor& input) {
  return input;
}

template torch::Tensor shifted<IS_DEVICE>(const torch::Tensor& input);
