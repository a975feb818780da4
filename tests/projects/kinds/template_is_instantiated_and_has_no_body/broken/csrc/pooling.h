#pragma once

#include <cstdint>

template <typename T>
void pool_rows(const T* input, T* output, int64_t count);
