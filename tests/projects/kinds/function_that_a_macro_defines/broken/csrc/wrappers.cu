#include "kernels.h"

DEMO_WRAPPER(fold)
