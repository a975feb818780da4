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
          for (Shape shape : {Shape::kLarge, Shape::kSmall, Shape::kUnaligned}) {
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
  // Few tokens take the small shape; a row of one piece never takes the large one.
  if (choose_shape(64, 7168, true) != Shape::kSmall) return 1;
  if (choose_shape(1024, 7168, true) != Shape::kLarge) return 1;
  if (choose_shape(int64_t{1} << 40, 16, true) != Shape::kSmall) return 1;
  if (choose_shape(1024, 7168, false) != Shape::kUnaligned) return 1;
  // A slice of tokens never counts more pieces than 31 bits hold.
  for (int64_t row : {2, 448, 1152, 1 << 20}) {
    if (most_tokens(Shape::kLarge, row) * row > kMostPieces) return 1;
    if (most_tokens(Shape::kLarge, row) < 1) return 1;
  }
  return 0;
}
