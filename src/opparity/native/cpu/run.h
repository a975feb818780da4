// A call on the CPU.
#pragma once

#include "native/call.h"

namespace opparity {

// Computes a checked call with torch's threads and the kernel of this processor.
void run_on_cpu(const Call& call);

}  // namespace opparity
