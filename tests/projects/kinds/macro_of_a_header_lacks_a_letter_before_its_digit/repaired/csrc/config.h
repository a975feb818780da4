#pragma once

#if defined(__x86_64__)
#define USE_AVX2
#endif
