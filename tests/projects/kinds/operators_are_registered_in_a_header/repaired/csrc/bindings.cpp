#include <torch/extension.h>
#include <torch/library.h>

#define REGISTER_LIBRARY TORCH_LIBRARY
#define REGISTER_LIBRARY_IMPL TORCH_LIBRARY_IMPL

at::Tensor fold_rows(const at::Tensor& input) {
  return input.sum(0);
}

#include "registrations.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {}
