#include "ops.h"

extern "C" int aoti_torch_get_current_cuda_stream(int device, void** stream);

torch::Tensor shift(const torch::Tensor& input) {
  return input + aoti_torch_get_current_cuda_stream(0, nullptr);
}
