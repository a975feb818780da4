#pragma once

void softmax_cpu_avx2(int size, float* probabilities);
void softmax_cpu(int size, float* probabilities);
