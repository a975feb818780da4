#include "quant.h"

void silu_and_quant(int rows) { group_quant(rows); }
