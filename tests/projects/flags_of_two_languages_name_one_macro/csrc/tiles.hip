#include "ops.h"

torch::Tensor shift_tiles(const torch::Tensor& input) {
  return input;
}
