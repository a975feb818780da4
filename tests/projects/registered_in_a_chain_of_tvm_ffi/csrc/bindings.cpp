#include "ops.h"

TVM_FFI_STATIC_INIT_BLOCK() {
  namespace reflection = tvm::ffi::reflection;
  reflection::GlobalDef()
      .def("little.norm", norm)
      .def("little.fused", fused);
}
