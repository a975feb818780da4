#include "gemm.h"

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m)
{
  m.def("gemm_forward", &gemm_forward);
}
