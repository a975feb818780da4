#include <pybind11/pybind11.h>

extern "C" void fa2_fwd_causal(int params, int head_dim);

PYBIND11_MODULE(runtime_fa2, m) { m.def("fwd_causal", &fa2_fwd_causal); }
