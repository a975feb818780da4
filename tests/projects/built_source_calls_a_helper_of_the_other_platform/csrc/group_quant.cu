#include "quant.h"

void group_quant(int rows) {}
