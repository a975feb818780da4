#include <torch/library.h>

TORCH_LIBRARY_FRAGMENT(remap, m) {
  m.def("remap_indices(Tensor indices) -> Tensor");
}
