#pragma once

#include "native/contract/small_float.h"

namespace {

// It has no NaN, and hardware gives the largest number's code.
struct Float4E2M1 : SmallFloat<opparity::ValueFormat::kFloat4E2M1, 1, 1, 2, 0x7u> {};

}  // namespace
