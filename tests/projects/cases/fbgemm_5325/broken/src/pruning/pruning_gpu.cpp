#include "pruning.h"

#define DISPATCH_TO_CUDA(NAME, FUNCTION) \
  m.impl(NAME, torch::dispatch(c10::DispatchKey::CUDA, TORCH_FN(FUNCTION)))
#define DISPATCH_TO_CPU(NAME, FUNCTION) \
  m.impl(NAME, torch::dispatch(c10::DispatchKey::CPU, TORCH_FN(FUNCTION)))

TORCH_LIBRARY_FRAGMENT(remap, m) {
  DISPATCH_TO_CUDA("remap_indices", remap::remap_indices_cuda);
  DISPATCH_TO_CPU("remap_indices", remap::remap_indices_cpu);
}
