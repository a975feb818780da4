#pragma once
#include <torch/extension.h>

template <typename T>
class Scaler {
 public:
  explicit Scaler(T factor);
  at::Tensor scale(const at::Tensor& input) const;

 private:
  T factor_;
};
