#include <torch/library.h>

#include "ops.h"

static void norm_quant(torch::Tensor& out, torch::Tensor& input) { out.copy_(input); }

TORCH_LIBRARY_FRAGMENT(_C, ops) {
  ops.def("norm_quant(Tensor! out, Tensor input) -> ()");
  ops.impl("norm_quant", torch::kCUDA, &norm_quant);
}
