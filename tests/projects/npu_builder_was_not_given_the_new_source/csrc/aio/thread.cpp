#include "handle.h"

int start_thread() { return 1; }
