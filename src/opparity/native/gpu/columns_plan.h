// How rows and columns of one read are launched: gpu/columns.h.
#pragma once

#include <cstdint>

namespace opparity {

constexpr int64_t kTileOfColumns = 128;
constexpr uint32_t kThreadsOfATile = 256;

}  // namespace opparity
