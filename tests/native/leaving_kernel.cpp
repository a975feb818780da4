// A kernel with a mistake: one lane of a warp leaves before the others exchange.
#include "native/platforms/host.h"

#include "native/gpu/arguments.h"

extern "C" void opparity_kernel(opparity::KernelArguments) {
  if (thread_index() == 35) return;
  maximum_of_lanes<32>(thread_index());
}
