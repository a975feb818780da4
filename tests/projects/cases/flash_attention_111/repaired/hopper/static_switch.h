#pragma once

#ifdef FLASHATTENTION_DISABLE_SM8x
#define ARCH_SWITCH(ARCH, ARCH_NAME, ...)  \
  [&] {                                     \
    constexpr static int ARCH_NAME = 90;    \
    return __VA_ARGS__();                   \
  }()
#else
#define ARCH_SWITCH(ARCH, ARCH_NAME, ...)  \
  [&] {                                     \
    if (ARCH < 90) {                        \
      constexpr static int ARCH_NAME = 80;  \
      return __VA_ARGS__();                 \
    }                                       \
    constexpr static int ARCH_NAME = 90;    \
    return __VA_ARGS__();                   \
  }()
#endif
