// The checks of every operator's arguments.
#pragma once

#include "native/call.h"
#include "native/operators/request.h"

namespace opparity {

// Returns what a request comes to; outputs that the operator returns are allocated and put into the
// request. Throws std::runtime_error for whatever operators/checks.py, recipes.py, scale_checks.py
// and memory.py refuse, in their order and with their words.
Call check(Request& request);

}  // namespace opparity
