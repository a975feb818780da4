// In the place of native/gpu/kernel.h: the reciprocal of neighbouring divisors, for
// tests/operators/test_on_gpu.py.
#pragma once

#include "native/platforms/cuda.h"

extern "C" OPPARITY_KERNEL(256, 8)
    opparity_kernel(uint32_t first_bits, uint32_t count, Number* reciprocals) {
  const uint32_t index = block_index_x() * 256 + thread_index();
  if (index < count) reciprocals[index] = reciprocal(number_of(first_bits + index));
}
