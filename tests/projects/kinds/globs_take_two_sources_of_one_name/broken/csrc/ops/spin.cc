#include <torch/library.h>

at::Tensor spin_kernel(const at::Tensor& input);

at::Tensor spin(const at::Tensor& input) { return spin_kernel(input); }

TORCH_LIBRARY(demo, library) { library.def("spin(Tensor input) -> Tensor", &spin); }
