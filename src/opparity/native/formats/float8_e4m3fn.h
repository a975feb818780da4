#pragma once

#include "native/contract/small_float.h"

namespace {

struct Float8E4M3FN : SmallFloat<opparity::ValueFormat::kFloat8E4M3FN, 3, 7, 8, 0x7fu> {
  // The number of a code without a sign that is not NaN's.
  OPPARITY_MEMBER Number decode(Bits code) { return number_of(code << 20) * 0x1p120f; }
};

}  // namespace
