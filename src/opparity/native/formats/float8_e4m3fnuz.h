#pragma once

#include "native/contract/small_float.h"

namespace {

// Zero has no sign: what would be -0 is NaN, in a word without a sign.
struct Float8E4M3FNUZ : SmallFloat<opparity::ValueFormat::kFloat8E4M3FNUZ, 3, 8, 7, 0x80u> {
  OPPARITY_MEMBER Bits codes(Bits words) {
    // The bit above a code that is not zero; a number's word has it nowhere else.
    const Bits is_some = (words & twice(0x7fu)) + twice(0x7fu);
    return words | ((words >> kAbove) & is_some & twice(0x80u));
  }

  OPPARITY_MEMBER Bits encode_inside(Number number) {
    return codes(word_inside(number * kPrescale));
  }
  OPPARITY_MEMBER Bits encode(Number number) { return codes(word(number)); }
};

}  // namespace
