#pragma once

#ifdef DEMO_IS_STABLE
#include <torch/csrc/stable/library.h>
#define OPEN_FRAGMENT(name, library) STABLE_TORCH_LIBRARY_FRAGMENT(name, library)
#else
#include <torch/library.h>
#define OPEN_FRAGMENT(name, library) TORCH_LIBRARY_FRAGMENT(name, library)
#endif
#define DEMO_FRAGMENT(library) OPEN_FRAGMENT(demo_stable, library)
#define WITH_KERNELS(library) OPEN_FRAGMENT(demo, library)
