#include <torch/library.h>

at::Tensor rows(const at::Tensor& input);
at::Tensor columns(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
#ifdef DEMO_ROWS
  library.def("rows(Tensor input) -> Tensor");
  library.impl("rows", torch::kCPU, &rows);
#endif
#if DEMO_COLUMNS == 2
  library.def("columns(Tensor input) -> Tensor");
  library.impl("columns", torch::kCPU, &columns);
#endif
}
