#include "handle.h"

int handle_t::block_size() const { return 4096; }
