#include "sampling.h"

void softmax_cpu_avx2(int size, float* probabilities) { probabilities[0] = size; }
