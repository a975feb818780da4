#include "remap.h"

TORCH_LIBRARY_FRAGMENT(little, m) {
  m.def("remap(Tensor input) -> Tensor");
  DISPATCH_TO_CPU("remap", little::remap_cpu);
}
