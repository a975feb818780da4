// Prints every variant of the GPU kernel that a call can need, a line each: its name, then the
// macros that compile it, separated by tabs.
#include <cstdio>
#include <set>

#include "native/gpu/variant.h"

using namespace opparity;

namespace {

constexpr Shape kShapes[] = {Shape::kLarge, Shape::kMedium, Shape::kSmall, Shape::kUnaligned};
constexpr InputType kTypes[] = {InputType::kFloat16, InputType::kBFloat16, InputType::kFloat32};
constexpr Intermediate kIntermediates[] = {Intermediate::kFloat32, Intermediate::kInputDtype,
                                           Intermediate::kProduct};
// 0 for no groups.
constexpr int64_t kGroupSizes[] = {0, 16, 32, 64, 128, 256};

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

void show_forward(Call call) {
  for (const Intermediate intermediate : kIntermediates) {
    call.intermediate = intermediate;
    call.value_format = ValueFormat::kInputType;
    call.group_size = 0;
    show(call);
    for (int format = 0; format < static_cast<int>(ValueFormat::kInputType); ++format) {
      call.value_format = static_cast<ValueFormat>(format);
      for (const int64_t group_size : kGroupSizes) {
        call.group_size = group_size;
        show(call);
      }
    }
  }
}

}  // namespace

int main() {
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
        show_forward(call);
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
