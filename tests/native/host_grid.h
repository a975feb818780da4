// The grid of a kernel that was compiled for the host, as native/platforms/host.h has it: each
// thread is a fiber, and 32 neighbours are a warp, which runs until all of it has left the kernel
// or waits for its block.
#pragma once

#include <cstdint>
#include <string>

#include "native/gpu/arguments.h"

namespace opparity::host {

using Kernel = void (*)(KernelArguments);

struct GridSize {
  uint32_t x, y, threads;
};

// Returns nothing, or what the kernel did that no GPU's may.
std::string run_grid(Kernel kernel, const GridSize& size, const KernelArguments& arguments);

}  // namespace opparity::host
