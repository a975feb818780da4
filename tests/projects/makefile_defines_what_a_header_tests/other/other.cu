#include "../csrc/ops.h"
