#include "handle.h"

int open_handle() { return describe_operation(start_thread()); }
