#include "pooling.h"


template void pool_rows<float>(const float* input, float* output, int64_t count);
