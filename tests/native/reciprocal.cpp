// The reciprocal of platforms/hip.h, for each divisor in [2^64, 2^65] from each start that is at
// most one unit in the last place from the true reciprocal. Prints how many starts there were.
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>

int main() {
  uint64_t starts = 0;
  for (uint32_t bits = 0x5F800000; bits <= 0x60000000; ++bits) {
    const float divisor = std::bit_cast<float>(bits);
    const float rounded = 1.0f / divisor;
    const double exact = 1.0 / static_cast<double>(divisor);
    for (int32_t offset = -2; offset <= 2; ++offset) {
      const float start = std::bit_cast<float>(std::bit_cast<uint32_t>(rounded) + offset);
      // A unit is 2^-88 in [2^-65, 2^-64) and 2^-87 from there on.
      const double unit = exact < 0x1p-64 ? 0x1p-88 : 0x1p-87;
      if (std::fabs(static_cast<double>(start) - exact) > unit) continue;
      ++starts;
      float result = std::bit_cast<float>(std::bit_cast<uint32_t>(start) | 1u);
      result = std::fma(std::fma(-divisor, result, 1.0f), result, result);
      result = std::fma(std::fma(-divisor, result, 1.0f), result, result);
      if (result != rounded) {
        std::printf("wrong: 1 / %a from %a gives %a, not %a\n", divisor, start, result, rounded);
        return 1;
      }
    }
  }
  std::printf("%lu\n", starts);
}
