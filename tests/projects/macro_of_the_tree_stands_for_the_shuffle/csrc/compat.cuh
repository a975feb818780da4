#ifndef COMPAT_CUH
#define COMPAT_CUH

#if defined(USE_ROCM)
#define __shfl_xor_sync(mask, value, lane) __shfl_xor(value, lane)
#endif

#endif
