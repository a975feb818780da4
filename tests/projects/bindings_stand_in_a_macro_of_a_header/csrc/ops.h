#pragma once
#include <torch/extension.h>

torch::Tensor norm(torch::Tensor input);
torch::Tensor fused_norm(torch::Tensor input, torch::Tensor residual);
torch::Tensor sum(torch::Tensor input);

#define NORM_BINDINGS                                        \
  m.def("norm", &norm, "Return the norm.", py::arg("input")); \
  m.def("fused_norm", &fused_norm);

#define SUM_BINDINGS m.def("sum", &sum);
