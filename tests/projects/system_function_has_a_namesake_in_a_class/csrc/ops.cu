#include <sys/socket.h>

#include "ops.h"

torch::Tensor shift(const torch::Tensor& input) {
  return input + connect(0, nullptr, 0);
}
