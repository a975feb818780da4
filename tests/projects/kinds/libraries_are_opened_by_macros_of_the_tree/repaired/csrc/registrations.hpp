#pragma once

at::Tensor fold(const at::Tensor& input);
at::Tensor norm(const at::Tensor& input);

// Which library this is, its includer says.
REGISTER_LIBRARY(demo, library) {
  library.def("fold(Tensor input) -> Tensor");
  library.def("norm(Tensor input) -> Tensor");
}

REGISTER_IMPLEMENTATION(demo, CUDA, library) {
  library.impl("fold", &fold);
#ifdef USE_ROCM
  library.impl("norm", &norm);
#else
  library.impl("norm", &norm);
#endif
}
