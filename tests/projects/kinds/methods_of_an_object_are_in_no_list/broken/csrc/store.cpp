#include "store.h"

namespace demo {
Store& Store::shared() {
  static Store store;
  return store;
}

at::Tensor Store::fetch(const at::Tensor& input) const { return input; }
}  // namespace demo
