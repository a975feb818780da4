#include "register.h"

TORCH_LIBRARY(demo, m) { REGISTER_EVERYTHING(m); }
