#include "handle.h"

int describe_operation(int handle) { return handle; }
