#include "functions.h"

void blocks::swap_blocks(int stream) {}
void trace_blocks(int stream) {}
void drop_blocks(int stream) {}
