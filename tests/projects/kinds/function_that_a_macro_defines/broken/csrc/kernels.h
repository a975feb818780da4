#pragma once
#include <torch/library.h>

at::Tensor fold_cuda(const at::Tensor& input);
at::Tensor fold_cpu(const at::Tensor& input);

#define DEMO_WRAPPER(name) \
  at::Tensor name##_cuda(const at::Tensor& input) { \
    return input; \
  }
