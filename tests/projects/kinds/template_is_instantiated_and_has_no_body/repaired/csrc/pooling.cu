#include "pooling.h"

template <typename T>
void pool_rows(const T* input, T* output, int64_t count) {
  for (int64_t index = 0; index < count; ++index) {
    output[index] = input[index];
  }
}

template void pool_rows<float>(const float* input, float* output, int64_t count);
