#pragma once

REGISTER_LIBRARY(demo_kernels, m) {
  m.def("fold_rows(Tensor input) -> Tensor");
}

REGISTER_LIBRARY_IMPL(demo_kernels, CUDA, m) {
  m.impl("fold_rows", &fold_rows);
}
