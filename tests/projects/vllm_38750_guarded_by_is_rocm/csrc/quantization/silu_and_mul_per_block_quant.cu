#include "../ops.h"

void silu_and_mul_per_block_quant(torch::Tensor& out, torch::Tensor const& input,
                                  torch::Tensor& scales, int64_t group_size) {
  TORCH_CHECK(group_size == 64 || group_size == 128, "group_size ", group_size,
              " is neither 64 nor 128");
  TORCH_CHECK(scales.size(0) == input.size(0), "one row of scales for each token");
}
