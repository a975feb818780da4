#include "scaler.h"

template <typename T>
Scaler<T>::Scaler(T factor) : factor_(factor) {}

template <typename T>
at::Tensor Scaler<T>::scale(const at::Tensor& input) const {
  return input * factor_;
}

template class Scaler<float>;
template class Scaler<int64_t>;
