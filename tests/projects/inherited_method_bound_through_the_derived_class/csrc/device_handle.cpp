#include "handle.h"

int device_handle_t::queue_depth() const { return 128; }
