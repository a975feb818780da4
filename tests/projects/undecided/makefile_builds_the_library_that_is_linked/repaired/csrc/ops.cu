#include "ops.h"

torch::Tensor shift(const torch::Tensor& input) {
  return shift_on_device(input);
}
