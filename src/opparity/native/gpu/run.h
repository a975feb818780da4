// A call on a GPU, NVIDIA's or AMD's.
#pragma once

#include "native/call.h"

namespace opparity {

// Launches what a call needs on the current stream of its device. Throws std::runtime_error where
// there is no compiler, no driver, or a launch fails.
void run_on_gpu(const Call& call);

}  // namespace opparity
