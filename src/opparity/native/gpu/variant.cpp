#include "native/gpu/variant.h"

#include "native/gpu/plan.h"
#include "native/gpu/row_plan.h"

namespace opparity {
namespace {

constexpr const char* kInputTypes[] = {"Float16", "BFloat16", "Float32"};
constexpr const char* kIntermediates[] = {"kFloat32", "kInputDtype", "kProduct"};
constexpr const char* kOrders[] = {"kStrided", "kInWords", "kInTiles"};
constexpr const char* kShapes[] = {"kLarge",   "kMedium",    "kSmall",    "kUnaligned",
                                   "kTabled",  "kWarpRow",   "kBlockRow", "kUnalignedRow",
                                   "kWideRow", "kStayingRow"};
#define OPPARITY_NAME(NAME) #NAME,
constexpr const char* kFormats[] = {OPPARITY_FOR_EACH_VALUE_FORMAT(OPPARITY_NAME) "Unquantised"};
constexpr const char* kRules[] = {OPPARITY_FOR_EACH_SCALE_RULE(OPPARITY_NAME)};
#undef OPPARITY_NAME

template <typename Member>
constexpr size_t number(Member member) {
  return static_cast<size_t>(member);
}

const ProducerFacts& facts_of(const Variant& variant) {
  return kProducerFacts[number(variant.producer)];
}

// The most that a block has.
int threads_of(const Variant& variant) {
  if (variant.shape == Shape::kTabled) return static_cast<int>(kMostTabledThreads);
  return variant.shape == Shape::kWideRow ? variant.steps * 256 : 256;
}

// The fastest of 3 to 6 at 4096 x 7168 on an H200. Microseconds by 3, 4 and 5: SiLU to int8 by
// token 45.3, 42.1 and 38.9; gated RMSNorm 52.7, 47.3 and 69.7; RMSNorm of a residual to FP8 by
// token 51.2, 51.8 and 66.7.
int blocks_of_a_row(const Variant& variant) {
  const ProducerFacts& facts = facts_of(variant);
  if (!facts.reduces) return 5;
  return facts.takes_gate ? 4 : 3;
}

// Whether a thread takes a piece of the gates' gradients and one of the ups'.
bool has_halves(const Variant& variant) {
  return variant.quantises_gradient && !variant.is_interleaved && facts_of(variant).is_gated;
}

// Microseconds by 2 and 3 blocks at 4096 x 7168 of bfloat16 on an H200, to FP8 by groups of 128:
// without a producer 35.2 and 37.2, SiLU 62.5 and 56.8, its gradients in halves 113.6 and 172.7.
// float32 input, which was not timed, is kept as twice as many registers.
int blocks_of_columns(const Variant& variant) {
  const bool is_wide = variant.input_type == InputType::kFloat32;
  return is_wide || has_halves(variant) || variant.producer == Producer::kIdentity ? 2 : 3;
}

// Of sums: the most for which NVRTC 13.0 keeps all numbers in registers on sm_90, but for a few of
// those with as many pieces as can be. On an H200 8192 x 24576 sums take 0.98 to 1.14 times as long
// as a copy of their bytes; no other numbers were tried.
int blocks_of_sums(const Variant& variant) {
  if (!is_row_shape(variant.shape)) return variant.shape == Shape::kMedium ? 6 : 8;
  const bool is_wide = variant.input_type == InputType::kFloat32;
  if (variant.steps * (is_wide ? 2 : 1) <= 4) return 4;
  return is_wide ? 2 : 3;
}

}  // namespace

Variant variant_of(const Call& call, Shape shape) {
  const bool rounds = !call.is_backward && call.input_type != InputType::kFloat32;
  const int64_t bytes = call.input_type == InputType::kFloat32 ? 4 : 2;
  const bool keeps_sum = call.keeps_sum && call.input_type != InputType::kFloat32;
  return {
      .producer = call.producer,
      .is_backward = call.is_backward,
      .quantises_gradient = call.quantises_gradient,
      .is_interleaved = call.is_interleaved && kProducerFacts[number(call.producer)].is_gated,
      .input_type = call.input_type,
      .gradient_type =
          call.is_backward || call.quantises_gradient ? call.gradient_type : call.input_type,
      .intermediate = rounds ? call.intermediate : Intermediate::kFloat32,
      .value_format = call.is_backward ? ValueFormat::kInputType : call.value_format,
      .group_size = call.is_backward ? 0 : call.group_size,
      .rule = call.is_backward ? ScaleRule::kNone : call.rule,
      .scale_is_byte = !call.is_backward && call.scale_is_byte,
      .order = call.is_backward ? ScaleOrder::kStrided : order_of(call.place),
      .has_bound = !call.is_backward && call.scale_bound != nullptr,
      .has_tail =
          !call.is_backward && call.group_size > 0 && call.hidden_size % call.group_size != 0,
      .is_by_token = call.is_by_token,
      .bounds_amax = call.bounds_amax && call.scale_bound != nullptr,
      .residual = call.residual == nullptr ? 0
                  : keeps_sum              ? 2
                                           : 1,
      .has_weight = call.weight != nullptr,
      .steps = is_row_shape(shape)
                   ? steps_of_a_row(shape, call.hidden_size, bytes, call.is_backward)
                   : 0,
      .has_experts = call.experts.layout != ExpertLayout::kNone,
      .weighs_rows = call.row_weights != nullptr,
      .reads_sums = reads_sums(call),
      .has_columns = call.columns.values != nullptr,
      .adds = false,
      .shape = shape,
  };
}

// 40 registers for kLarge and 32 for kMedium and kSmall were the fastest of 32, 40, 48 and 64 at
// their sizes on an H100, with SiLU and one scale for each group.
int blocks_of(const Variant& variant) {
  if (variant.has_columns) return blocks_of_columns(variant);
  // All of a multiprocessor's threads.
  if (variant.shape == Shape::kWideRow) return 8 / variant.steps;
  if (variant.reads_sums && variant.shape != Shape::kUnaligned) return blocks_of_sums(variant);
  switch (variant.shape) {
    case Shape::kMedium:
      // Two pieces of a thread.
      return has_halves(variant) ? 5 : 8;
    case Shape::kTabled:
      return 1;
    case Shape::kStayingRow:
      return kStayingBlocks;
    case Shape::kLarge:
      return 6;
    case Shape::kUnaligned:
    case Shape::kUnalignedRow:
      return 4;
    case Shape::kWarpRow:
    case Shape::kBlockRow:
      // Elements, gradients and sums of columns are in registers. With one block of 7168 columns
      // RMSNorm's took 102 us at 4096 tokens on an H200, and with two 73.
      if (variant.is_backward) return 2;
      return variant.steps > 4 ? 2 : variant.steps > 2 ? blocks_of_a_row(variant) : 4;
    default:
      return 8;
  }
}

uint64_t key_of(const Variant& variant) {
  uint64_t key = number(variant.producer);
  const auto append = [&](uint64_t value, uint64_t count) { key = key * count + value; };
  append(variant.is_backward + 2 * variant.quantises_gradient, 3);
  append(variant.is_interleaved, 2);
  append(number(variant.input_type), 4);
  append(number(variant.gradient_type), 4);
  append(number(variant.intermediate), 4);
  append(number(variant.value_format), 16);
  append(static_cast<uint64_t>(variant.group_size), 512);
  append(number(variant.rule), 8);
  append(variant.scale_is_byte, 2);
  append(number(variant.order), 4);
  append(variant.has_bound, 2);
  append(variant.has_tail, 2);
  append(variant.is_by_token, 2);
  append(variant.bounds_amax, 2);
  append(static_cast<uint64_t>(variant.residual), 4);
  append(variant.has_weight, 2);
  append(static_cast<uint64_t>(variant.steps), 16);
  append(variant.has_experts, 2);
  append(variant.weighs_rows, 2);
  append(variant.reads_sums, 2);
  append(variant.has_columns, 2);
  append(variant.adds, 2);
  append(number(variant.shape), 16);
  return key;
}

std::vector<std::string> defines_of(const Variant& variant) {
  const ProducerFacts& facts = facts_of(variant);
  return {
      std::string("OPPARITY_PRODUCER=") + facts.functor,
      std::string("OPPARITY_PRODUCER_FILE=\"native/producers/") + facts.name + ".h\"",
      std::string("OPPARITY_INPUT=") + kInputTypes[number(variant.input_type)],
      std::string("OPPARITY_GRADIENT=") + kInputTypes[number(variant.gradient_type)],
      std::string("OPPARITY_FORMAT=") + kFormats[number(variant.value_format)],
      std::string("OPPARITY_INTERMEDIATE=") + kIntermediates[number(variant.intermediate)],
      "OPPARITY_INTERLEAVED=" + std::to_string(variant.is_interleaved),
      "OPPARITY_BACKWARD=" + std::to_string(variant.is_backward),
      "OPPARITY_QUANTISES_GRADIENT=" + std::to_string(variant.quantises_gradient),
      "OPPARITY_GROUP_SIZE=" + std::to_string(variant.group_size),
      std::string("OPPARITY_RULE=k") + kRules[number(variant.rule)],
      "OPPARITY_SCALE_IS_BYTE=" + std::to_string(variant.scale_is_byte),
      std::string("OPPARITY_ORDER=") + kOrders[number(variant.order)],
      "OPPARITY_HAS_BOUND=" + std::to_string(variant.has_bound),
      "OPPARITY_HAS_TAIL=" + std::to_string(variant.has_tail),
      std::string("OPPARITY_SHAPE=") + kShapes[number(variant.shape)],
      "OPPARITY_THREADS=" + std::to_string(threads_of(variant)),
      "OPPARITY_BOUNDS_AMAX=" + std::to_string(variant.bounds_amax),
      "OPPARITY_ADDS=" + std::to_string(variant.adds),
      "OPPARITY_COLUMNS=" + std::to_string(variant.has_columns),
      "OPPARITY_EXPERTS=" + std::to_string(variant.has_experts),
      "OPPARITY_ROW_WEIGHTS=" + std::to_string(variant.weighs_rows),
      "OPPARITY_SUMS=" + std::to_string(variant.reads_sums),
      "OPPARITY_ROWS=" + std::to_string(is_row_shape(variant.shape)),
      "OPPARITY_BY_TOKEN=" + std::to_string(variant.is_by_token),
      "OPPARITY_RESIDUAL=" + std::to_string(variant.residual),
      "OPPARITY_WEIGHT=" + std::to_string(variant.has_weight),
      "OPPARITY_STEPS=" + std::to_string(variant.steps),
      "OPPARITY_BLOCKS=" + std::to_string(blocks_of(variant)),
  };
}

std::string name_of(const Variant& variant) {
  const ProducerFacts& facts = facts_of(variant);
  std::string name = std::string(facts.name) + (variant.is_backward ? " backward" : "") + ", " +
                     kInputTypeNames[number(variant.input_type)] + " to " +
                     kValueFormatNames[number(variant.value_format)];
  if (variant.is_by_token) name += " by token";
  if (variant.group_size > 0) name += " by groups of " + std::to_string(variant.group_size);
  if (variant.has_columns) name += " with columns";
  if (variant.quantises_gradient) name += " of the gradient";
  if (variant.adds) name += " of the weight";
  if (variant.has_experts) name += " of experts";
  if (variant.weighs_rows) name += " with weights";
  if (variant.reads_sums) name += " of sums";
  return name + ", " + kShapes[number(variant.shape)];
}

}  // namespace opparity
