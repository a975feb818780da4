// Prints the kernel names, and checks the index arithmetic of the CUDA launch.
#include <cstdio>
#include <set>

#include "operators/silu_and_mul_per_block_quant/cuda_launch.h"

using namespace opparity::silu_and_mul_per_block_quant;

static bool divides(uint32_t divisor, uint64_t piece) {
  const Division division = division_by(divisor);
  const uint64_t quotient = (piece * division.multiplier >> 32) >> division.shift;
  return quotient == piece / divisor;
}

int main() {
  for (uint64_t divisor = 2; divisor < (1u << 31); divisor += 1 + divisor / 1000) {
    const uint64_t most = kMostPieces - 1;
    for (uint64_t multiple : {uint64_t{1}, uint64_t{2}, most / divisor / 2, most / divisor}) {
      for (uint64_t piece : {multiple * divisor - 1, multiple * divisor, multiple * divisor + 1}) {
        if (piece <= most && !divides(static_cast<uint32_t>(divisor), piece)) {
          std::printf("wrong: %lu / %lu\n", piece, divisor);
          return 1;
        }
      }
    }
    if (!divides(static_cast<uint32_t>(divisor), most)) return 1;
  }
  std::set<size_t> indices;
  const std::vector<std::string> names = kernel_names();
  for (InputType input : {InputType::kFloat16, InputType::kBFloat16, InputType::kFloat32}) {
    for (ValueType value :
         {ValueType::kFloat8E4M3FN, ValueType::kFloat8E4M3FNUZ, ValueType::kInt8}) {
      for (bool rounds : {false, true}) {
        for (int group_size : kGroupSizes) {
          for (Shape shape : {Shape::kLarge, Shape::kMedium, Shape::kSmall, Shape::kUnaligned}) {
            const size_t index = kernel_index(input, value, rounds, group_size, shape);
            if (index >= names.size()) return 1;
            if (indices.insert(index).second) std::printf("%s\n", names[index].c_str());
            // A row's pieces divide evenly, and a group's lanes fit a warp.
            const int64_t elements = elements_of_a_thread(shape, group_size);
            if (group_size % elements != 0 || group_size / elements > 32) return 1;
          }
        }
      }
    }
  }
  // One launch at every size at which the H100 was measured (docs/benchmarks.md).
  const Chip h100{132, 2048};
  const struct {
    int64_t num_tokens, hidden_size;
    Shape shape;
  } chosen[] = {
      {1, 7168, Shape::kSmall},       {64, 7168, Shape::kSmall},   {128, 7168, Shape::kSmall},
      {64, 18432, Shape::kSmall},     {256, 7168, Shape::kMedium}, {1024, 2048, Shape::kMedium},
      {128, 18432, Shape::kLarge},    {512, 7168, Shape::kMedium}, {256, 14336, Shape::kMedium},
      {256, 18432, Shape::kLarge},    {1024, 7168, Shape::kLarge}, {4096, 2048, Shape::kLarge},
      {1 << 20, 7168, Shape::kLarge},
  };
  for (const auto& [num_tokens, hidden_size, shape] : chosen) {
    if (choose_shape(num_tokens, hidden_size, true, h100) == shape) continue;
    std::printf("another shape at %ld x %ld\n", num_tokens, hidden_size);
    return 1;
  }
  // A block's threads at the sizes that cuda_launch.h names.
  if (threads_of_a_block(Shape::kLarge, 16384 * 7168, h100) != 128) return 1;
  if (threads_of_a_block(Shape::kMedium, 256 * 7168, h100) != 256) return 1;
  if (threads_of_a_block(Shape::kSmall, 128 * 7168, h100) != 128) return 1;
  if (threads_of_a_block(Shape::kSmall, 64 * 18432, h100) != 256) return 1;
  // A chip whose multiprocessors hold fewer threads than the registers would.
  const Chip small_chip{40, 1024};
  if (elements_of_a_wave(Shape::kLarge, small_chip) != 40 * 1024 * 16) return 1;
  if (elements_of_a_wave(Shape::kMedium, small_chip) != 40 * 1024 * 8) return 1;
  // A row of one piece is never counted through; rows that are not aligned never take wide loads.
  if (choose_shape(int64_t{1} << 40, 16, true, h100) != Shape::kSmall) return 1;
  if (choose_shape(1024, 7168, false, h100) != Shape::kUnaligned) return 1;
  // A slice of tokens never counts more pieces than 31 bits hold.
  for (int64_t row : {2, 448, 1152, 1 << 20}) {
    for (Shape shape : {Shape::kLarge, Shape::kMedium}) {
      if (most_tokens(shape, row) * row > kMostPieces) return 1;
      if (most_tokens(shape, row) < 1) return 1;
    }
  }
  return 0;
}
