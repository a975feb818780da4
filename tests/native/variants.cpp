// Prints every variant of the GPU kernel that a call can need, a line each: its name, then the
// macros that compile it, separated by tabs. A line of the input is what recipes have that share
// kernels: ValueFormat, group size, ScaleRule, whether scales are bytes and whether in tiles.
#include <cstdio>
#include <set>
#include <vector>

#include "native/gpu/variant.h"

using namespace opparity;

namespace {

constexpr Shape kShapes[] = {Shape::kLarge, Shape::kMedium, Shape::kSmall, Shape::kUnaligned};
constexpr InputType kTypes[] = {InputType::kFloat16, InputType::kBFloat16, InputType::kFloat32};
constexpr Intermediate kIntermediates[] = {Intermediate::kFloat32, Intermediate::kInputDtype,
                                           Intermediate::kProduct};

struct Kind {
  int value_format;
  long group_size;
  int rule;
  int scale_is_byte;
  int is_tiled;
};

std::vector<Kind> read_kinds() {
  std::vector<Kind> kinds;
  Kind kind{};
  while (std::scanf("%d %ld %d %d %d", &kind.value_format, &kind.group_size, &kind.rule,
                    &kind.scale_is_byte, &kind.is_tiled) == 5) {
    kinds.push_back(kind);
  }
  return kinds;
}

void show(const Call& call) {
  static std::set<uint64_t> shown;
  for (const Shape shape : kShapes) {
    const Variant variant = variant_of(call, shape);
    if (!shown.insert(key_of(variant)).second) continue;
    std::printf("%s", name_of(variant).c_str());
    for (const std::string& define : defines_of(variant)) std::printf("\t%s", define.c_str());
    std::printf("\n");
  }
}

void show_forward(Call call, const Kind& kind) {
  static const float kBound = 1.0f;
  call.value_format = static_cast<ValueFormat>(kind.value_format);
  call.group_size = kind.group_size;
  call.rule = static_cast<ScaleRule>(kind.rule);
  call.scale_is_byte = kind.scale_is_byte != 0;
  call.place.is_tiled = kind.is_tiled != 0;
  for (const Intermediate intermediate : kIntermediates) {
    call.intermediate = intermediate;
    // The last group of a row is whole, or short.
    for (const int64_t hidden_size : {int64_t{1024}, int64_t{1032}}) {
      call.hidden_size = hidden_size;
      call.scale_bound = nullptr;
      show(call);
      if (call.rule != ScaleRule::kAmax) continue;
      call.scale_bound = &kBound;
      show(call);
    }
  }
}

}  // namespace

int main() {
  const std::vector<Kind> kinds = read_kinds();
  int producer = 0;
  for (const ProducerFacts& facts : kProducerFacts) {
    Call call{};
    call.producer = static_cast<Producer>(producer++);
    for (const bool is_interleaved : {false, true}) {
      call.is_interleaved = is_interleaved;
      if (is_interleaved && !facts.is_gated) continue;
      for (const InputType input : kTypes) {
        call.input_type = input;
        call.is_backward = false;
        for (const Kind& kind : kinds) show_forward(call, kind);
        if (call.producer == Producer::kIdentity) continue;
        call.is_backward = true;
        for (const InputType gradient : {input, InputType::kFloat32}) {
          call.gradient_type = gradient;
          show(call);
        }
      }
    }
  }
}
