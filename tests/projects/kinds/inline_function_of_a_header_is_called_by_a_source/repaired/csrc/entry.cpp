#include "choose.h"

at::Tensor entry(const at::Tensor& input) { return chosen(input); }

TORCH_LIBRARY(demo, library) {
  library.def("entry(Tensor input) -> Tensor", &entry);
}
