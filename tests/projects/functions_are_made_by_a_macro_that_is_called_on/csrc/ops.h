#pragma once
#include <torch/extension.h>

torch::Tensor shift(const torch::Tensor& input);
struct Entry {
  Entry& inputs(int count);
};
Entry& shift_entry();
Entry& scale_entry();
