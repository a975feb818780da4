#include "../csrc/ops.h"

torch::Tensor shift_on_device(const torch::Tensor& input) {
  return input;
}
