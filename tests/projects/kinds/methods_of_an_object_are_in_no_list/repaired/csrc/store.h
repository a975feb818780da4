#pragma once
#include <torch/library.h>

namespace demo {
class Store {
 public:
  static Store& shared();
  at::Tensor fetch(const at::Tensor& input) const;
};
}  // namespace demo
