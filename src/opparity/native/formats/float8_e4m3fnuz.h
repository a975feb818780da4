#pragma once

#include "native/contract/small_float.h"

namespace {

struct Float8E4M3FNUZ : SmallFloat<opparity::ValueFormat::kFloat8E4M3FNUZ, 3, 8, 7, 0x80u> {
  using Signed = SmallFloat<opparity::ValueFormat::kFloat8E4M3FNUZ, 3, 8, 7, 0x80u>;
  static constexpr uint32_t kNanCode = 0x80u;

  // What would be -0 elsewhere is NaN here, and zero has no sign.
  OPPARITY_MEMBER Bits encode_inside(Number number) {
    Bits code = Signed::encode_inside(number);
    return (code & 0x7fu) == all_bits(0) ? all_bits(0) : code;
  }
  OPPARITY_MEMBER Bits encode(Number number) {
    Number limited = at_least(at_most(number, kMaximum), kLowest);
    return number == number ? encode_inside(limited) : all_bits(kNanCode);
  }
};

}  // namespace
