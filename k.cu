#include "native/gpu/kernel.h"
