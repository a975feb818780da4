// One variant of the GPU kernel for the host; its macros come from the command line.
#include "native/gpu/kernel.h"
