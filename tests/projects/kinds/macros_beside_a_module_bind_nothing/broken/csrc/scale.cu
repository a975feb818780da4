#include <torch/extension.h>
#include "lazy.h"

at::Tensor scale(const at::Tensor& input) {
  return input * lazy_launch();
}

int lazy_launch() {
  return 2;
}
