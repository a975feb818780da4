#include "ops.h"

void static_scaled_int8_quant(torch::Tensor& out) {}

void dynamic_scaled_int8_quant(torch::Tensor& out) {}

void per_token_group_quant_8bit(torch::Tensor& out);

void per_token_group_quant_int8(torch::Tensor& out) {
  per_token_group_quant_8bit(out);
}
