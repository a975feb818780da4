#include "sampling.h"

void softmax_cpu(int size, float* probabilities) {
  if (size % 8 == 0) {
    softmax_cpu_avx2(size, probabilities);
  }
}
