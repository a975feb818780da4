// Prints every variant of the GPU kernel that a call can need, a line each: its name, then the
// macros that compile it, separated by tabs. A line of the input is what recipes have that share
// kernels: ValueFormat, group size, ScaleRule, whether scales are bytes, whether in tiles, and
// whether a row has one.
#include <cstdio>
#include <set>
#include <vector>

#include "native/gpu/row_plan.h"
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
  int is_by_token;
};

std::vector<Kind> read_kinds() {
  std::vector<Kind> kinds;
  Kind kind{};
  while (std::scanf("%d %ld %d %d %d %d", &kind.value_format, &kind.group_size, &kind.rule,
                    &kind.scale_is_byte, &kind.is_tiled, &kind.is_by_token) == 6) {
    kinds.push_back(kind);
  }
  return kinds;
}

void show(const Call& call, Shape shape) {
  static std::set<uint64_t> shown;
  const Variant variant = variant_of(call, shape);
  if (!shown.insert(key_of(variant)).second) return;
  std::printf("%s", name_of(variant).c_str());
  for (const std::string& define : defines_of(variant)) std::printf("\t%s", define.c_str());
  std::printf("\n");
}

void show(const Call& call) {
  for (const Shape shape : kShapes) show(call, shape);
}

// Widths of one piece of a thread and of more, of rows that are read again, and a short last group.
constexpr int64_t kRowWidths[] = {264, 1024, 7168, 16640};

void show_rows(Call call) {
  static const char kSomewhere = 0;
  const ProducerFacts& facts = kProducerFacts[static_cast<int>(call.producer)];
  for (const int residual : {0, 1, 2}) {
    if (residual != 0 && (!facts.reduces || facts.takes_gate)) continue;
    call.residual = residual == 0 ? nullptr : &kSomewhere;
    call.keeps_sum = residual == 2;
    for (const int64_t width : kRowWidths) {
      call.hidden_size = width;
      show(call, choose_row_shape(width, true));
      show(call, choose_row_shape(width, false));
    }
  }
}

void show_forward(Call call, const Kind& kind) {
  static const float kBound = 1.0f;
  call.value_format = static_cast<ValueFormat>(kind.value_format);
  call.group_size = kind.group_size;
  call.rule = static_cast<ScaleRule>(kind.rule);
  call.scale_is_byte = kind.scale_is_byte != 0;
  call.place.is_tiled = kind.is_tiled != 0;
  call.is_by_token = kind.is_by_token != 0;
  for (const Intermediate intermediate : kIntermediates) {
    call.intermediate = intermediate;
    if (works_on_rows(call)) {
      for (const bool has_bound : {false, true}) {
        if (has_bound && call.rule != ScaleRule::kAmax) continue;
        call.scale_bound = has_bound ? &kBound : nullptr;
        call.bounds_amax = false;
        show_rows(call);
        call.bounds_amax = has_bound;
        show_rows(call);
      }
      continue;
    }
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
        if (call.producer == Producer::kIdentity || facts.reduces) continue;
        call.is_backward = true;
        for (const InputType gradient : {input, InputType::kFloat32}) {
          call.gradient_type = gradient;
          show(call);
        }
      }
    }
  }
}
