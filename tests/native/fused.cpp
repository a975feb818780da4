// fused_multiply_add of native/platforms/cpu.h against the C library's, bit for bit: fused <count>.
// Draws numbers of all kinds, and those whose sums are hard to round. Prints how many it compared.
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "native/platforms/cpu.h"

namespace {

uint64_t state = 0x9e3779b97f4a7c15u;

// Marsaglia's xorshift.
uint32_t draw() {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return static_cast<uint32_t>(state >> 32);
}

float pattern(uint32_t bits) { return __builtin_bit_cast(float, bits); }

// A number within [2^-magnitude, 2^magnitude], or so far below 0.
float between(int magnitude) {
  const uint32_t exponent = 127 - magnitude + draw() % (2 * magnitude);
  return pattern((draw() & 0x807fffffu) | exponent << 23);
}

// What has to be rounded with care: almost nothing left of a product, a product of about half a
// last place of the addend, results below the smallest normal number; and any patterns at all.
void draw_one(int kind, float& a, float& b, float& c) {
  constexpr float kSpecial[] = {0.0f, -0.0f,     HUGE_VALF,      -HUGE_VALF,
                                NAN,  0x1p-149f, 0x1.fffffep127f};
  a = between(20);
  b = between(20);
  if (kind == 0) {
    c = pattern(__builtin_bit_cast(uint32_t, -(a * b)) + draw() % 5 - 2);
  } else if (kind == 1) {
    c = between(20);
    const float half = std::ldexp(1.0f, std::ilogb(c) - 24);
    a = half * (draw() % 2 == 0 ? 1.0f : 1.0f + static_cast<float>(draw() % 3) * 0x1p-23f);
    b = (draw() % 2 == 0 ? 1.0f : -1.0f) * (1.0f - static_cast<float>(draw() % 3) * 0x1p-24f);
  } else if (kind == 2) {
    a *= 0x1p-70f;
    b *= 0x1p-70f;
    c = pattern(draw() & 0x80ffffffu);
  } else {
    float* const numbers[] = {&a, &b, &c};
    for (float* number : numbers) {
      *number = pattern(draw());
      if (draw() % 4 == 0) *number = kSpecial[draw() % 7];
    }
  }
}

}  // namespace

int main(int, char** arguments) {
  const int64_t count = std::strtoll(arguments[1], nullptr, 10);
  float a[kLanes], b[kLanes], c[kLanes], got[kLanes];
  int64_t compared = 0;
  for (int kind = 0; compared < count; kind = (kind + 1) % 4) {
    for (int lane = 0; lane < kLanes; ++lane) draw_one(kind, a[lane], b[lane], c[lane]);
    store(got, fused_multiply_add(load<Number>(a), load<Number>(b), load<Number>(c)));
    for (int lane = 0; lane < kLanes; ++lane, ++compared) {
      const float expected = std::fma(a[lane], b[lane], c[lane]);
      // One NaN is as good as another: codes and scales have only one.
      if (got[lane] != got[lane] && expected != expected) continue;
      if (__builtin_bit_cast(uint32_t, got[lane]) == __builtin_bit_cast(uint32_t, expected)) {
        continue;
      }
      std::printf("%a * %a + %a is %a, not %a\n", a[lane], b[lane], c[lane], expected, got[lane]);
      return 1;
    }
  }
  std::printf("%" PRId64 "\n", compared);
}
