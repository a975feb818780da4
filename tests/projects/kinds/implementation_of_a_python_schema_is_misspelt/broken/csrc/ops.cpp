#include <torch/library.h>

at::Tensor merge(const at::Tensor& input) { return input; }

TORCH_LIBRARY_IMPL(demo, CUDA, library) { library.impl("merge_sates", &merge); }
