#pragma once

#include "native/contract/small_float.h"

namespace {

struct Float8E5M2 : SmallFloat<opparity::ValueFormat::kFloat8E5M2, 2, 15, 15, 0x7fu> {};

}  // namespace
