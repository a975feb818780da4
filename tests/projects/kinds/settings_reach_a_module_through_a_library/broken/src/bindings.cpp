#include <torch/library.h>

at::Tensor fold(const at::Tensor& input);

TORCH_LIBRARY(demo, library) {
#ifdef DEMO_FOLD
  library.def("fold(Tensor input) -> Tensor");
  library.impl("fold", torch::kCPU, &fold);
#endif
}
