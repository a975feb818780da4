// SiLU of native/contract/ against the contract's steps as docs/numerics.md has them, bit for bit,
// for every float32 gate from 0 on in steps: silu <step>. Prints how many were compared.
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "native/platforms/cpu.h"
// The platform comes before the contract.
#include "native/contract/exponential.h"

namespace {

OPPARITY_FUNCTION uint32_t bits(float value) { return __builtin_bit_cast(uint32_t, value); }

OPPARITY_FUNCTION float steps_of_the_contract(float gate) {
  float magnitude = __builtin_bit_cast(float, bits(gate) | 0x80000000u);
  float z = magnitude < kGateLimit ? kGateLimit : magnitude;
  float shifted = std::fma(z, kLog2EHigh, kRoundingShift);
  float exponent = shifted - kRoundingShift;
  float fraction = std::fma(z, kLog2EHigh, -exponent);
  fraction = std::fma(z, kLog2ELow, fraction);
  float power = kExp2Coefficient5;
  power = std::fma(power, fraction, kExp2Coefficient4);
  power = std::fma(power, fraction, kExp2Coefficient3);
  power = std::fma(power, fraction, kExp2Coefficient2);
  power = std::fma(power, fraction, kExp2Coefficient1);
  power = std::fma(power, fraction, kExp2Coefficient0);
  float scaled = __builtin_bit_cast(float, bits(power) + (bits(shifted) << 23));
  float divisor = scaled + 0x1p64f;
  float reciprocal = 1.0f / divisor;
  float numerator = z * scaled;
  float positive = gate < 0.0f ? -0.0f : gate;
  return std::fma(numerator, reciprocal, positive);
}

constexpr int kBatch = 4096;

}  // namespace

int main(int, char** arguments) {
  const uint64_t step = std::strtoull(arguments[1], nullptr, 10);
  alignas(64) static float gates[kBatch], got[kBatch];
  uint64_t compared = 0;
  for (uint64_t first = 0; first < uint64_t{1} << 32; first += step * kBatch) {
    for (int i = 0; i < kBatch; ++i) {
      gates[i] = __builtin_bit_cast(float, static_cast<uint32_t>(first + step * i));
    }
    for (int i = 0; i < kBatch; i += kLanes) store(got + i, silu(load<Number>(gates + i)));
    uint32_t different = 0;
    for (int i = 0; i < kBatch; ++i) {
      float expected = steps_of_the_contract(gates[i]);
      // One NaN is as good as another: codes and scales have only one.
      bool both_nan = (got[i] != got[i]) & (expected != expected);
      different += (bits(got[i]) != bits(expected)) & !both_nan;
    }
    if (different != 0) {
      std::printf("%u of %d gates differ from the pattern %" PRIx64 " on\n", different, kBatch,
                  first);
      return 1;
    }
    compared += kBatch;
  }
  std::printf("%" PRIu64 "\n", compared);
}
