// What calls launch, and launches on the host, for Python by ctypes. A call is text: the members of
// opparity::Call as "name=number", pointers too and floats by their bits.
#include <cstddef>
#include <cstring>
#include <exception>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>

#include "host_grid.h"
#include "native/gpu/launches.h"
#include "native/gpu/variant.h"

using namespace opparity;

namespace {

class Numbers {
 public:
  explicit Numbers(const char* text) {
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      const size_t split = word.find('=');
      numbers_[word.substr(0, split)] = std::stoll(word.substr(split + 1));
    }
  }

  int64_t get(const std::string& name) const {
    const auto found = numbers_.find(name);
    if (found == numbers_.end()) throw std::runtime_error("the call has no " + name);
    return found->second;
  }
  template <typename Member>
  Member member(const char* name) const {
    return static_cast<Member>(get(name));
  }
  void* pointer(const char* name) const { return reinterpret_cast<void*>(get(name)); }
  float number(const std::string& name) const {
    const auto bits = static_cast<uint32_t>(get(name));
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }

 private:
  std::map<std::string, int64_t> numbers_;
};

ScalePlace place_of(const Numbers& numbers, const std::string& prefix) {
  return {
      .is_tiled = numbers.get(prefix + "is_tiled") != 0,
      .token_128 = numbers.get(prefix + "token_128"),
      .token_32 = numbers.get(prefix + "token_32"),
      .token = numbers.get(prefix + "token"),
      .group_4 = numbers.get(prefix + "group_4"),
      .group = numbers.get(prefix + "group"),
      .padded_tokens = numbers.get(prefix + "padded_tokens"),
      .padded_groups = numbers.get(prefix + "padded_groups"),
  };
}

Call call_of(const Numbers& numbers) {
  Call call{};
  call.producer = numbers.member<Producer>("producer");
  call.is_backward = numbers.get("is_backward") != 0;
  call.quantises_gradient = numbers.get("quantises_gradient") != 0;
  call.is_interleaved = numbers.get("is_interleaved") != 0;
  call.input_type = numbers.member<InputType>("input_type");
  call.gradient_type = numbers.member<InputType>("gradient_type");
  call.intermediate = numbers.member<Intermediate>("intermediate");
  call.value_format = numbers.member<ValueFormat>("value_format");
  call.rule = numbers.member<ScaleRule>("rule");
  call.scale_is_byte = numbers.get("scale_is_byte") != 0;
  call.input = numbers.pointer("input");
  call.gradient = numbers.pointer("gradient");
  call.is_by_token = numbers.get("is_by_token") != 0;
  call.weight = numbers.pointer("weight");
  call.gate = numbers.pointer("gate");
  call.residual = numbers.pointer("residual");
  call.sum = numbers.pointer("sum");
  call.sum_gradient = numbers.pointer("sum_gradient");
  call.gate_gradient = numbers.pointer("gate_gradient");
  call.weight_gradient = numbers.pointer("weight_gradient");
  call.workspace = static_cast<float*>(numbers.pointer("workspace"));
  call.sum_gradient_row_bytes = numbers.get("sum_gradient_row_bytes");
  call.gate_gradient_row_bytes = numbers.get("gate_gradient_row_bytes");
  call.columns.values = numbers.pointer("column_values");
  call.columns.scales = numbers.pointer("column_scales");
  call.columns.values_row_bytes = numbers.get("column_row_bytes");
  call.columns.place = place_of(numbers, "column_");
  call.keeps_sum = numbers.get("keeps_sum") != 0;
  call.bounds_amax = numbers.get("bounds_amax") != 0;
  call.gate_row_bytes = numbers.get("gate_row_bytes");
  call.residual_row_bytes = numbers.get("residual_row_bytes");
  call.sum_row_bytes = numbers.get("sum_row_bytes");
  call.values = numbers.pointer("values");
  call.scales = numbers.pointer("scales");
  call.given_scale = static_cast<const float*>(numbers.pointer("given_scale"));
  call.scale_bound = static_cast<const float*>(numbers.pointer("scale_bound"));
  call.least = numbers.number("least");
  call.num_tokens = numbers.get("num_tokens");
  call.hidden_size = numbers.get("hidden_size");
  call.group_size = numbers.get("group_size");
  call.input_row_bytes = numbers.get("input_row_bytes");
  call.gradient_row_bytes = numbers.get("gradient_row_bytes");
  call.values_row_bytes = numbers.get("values_row_bytes");
  call.place = place_of(numbers, "");
  call.experts = {
      .layout = numbers.member<ExpertLayout>("experts"),
      .rows = static_cast<const int32_t*>(numbers.pointer("rows")),
      .scale_offsets = static_cast<const int32_t*>(numbers.pointer("scale_offsets")),
      .count = numbers.get("count"),
      .room = numbers.get("room"),
      .multiple = numbers.get("multiple"),
      .scale_bytes = numbers.get("scale_bytes"),
      .scale_rows = numbers.get("scale_rows"),
      .scale_step = numbers.get("scale_step"),
  };
  call.row_weights = static_cast<const float*>(numbers.pointer("row_weights"));
  call.token_scales = static_cast<const float*>(numbers.pointer("token_scales"));
  call.weight_scales = static_cast<const float*>(numbers.pointer("weight_scales"));
  for (int i = 0; i < kMostParameters; ++i) {
    call.parameters.value[i] = numbers.number("value_" + std::to_string(i));
    call.parameters.reciprocal[i] = numbers.number("reciprocal_" + std::to_string(i));
  }
  return call;
}

// A chip that is small, so that small inputs have every shape, with an H200's memory for each
// multiprocessor.
constexpr Chip kChip{4, 2048, 148};

std::string describe(const Numbers& numbers) {
  const Call call = call_of(numbers);
  const int64_t given = numbers.get("shape");
  const Shape shape = given >= 0 ? static_cast<Shape>(given) : shape_of(call, kChip);
  Variant variant = variant_of(call, shape);
  variant.adds = numbers.get("adds") != 0;
  std::ostringstream text;
  text << "key " << key_of(variant) << "\n";
  for (const std::string& define : defines_of(variant)) text << "define " << define << "\n";
  const auto launch = [&](const Grid& grid, const KernelArguments& arguments) {
    text << "launch " << grid.x << " " << grid.y << " " << grid.threads << " ";
    const auto* bytes = reinterpret_cast<const unsigned char*>(&arguments);
    for (size_t i = 0; i < sizeof arguments; ++i) {
      text << "0123456789abcdef"[bytes[i] >> 4] << "0123456789abcdef"[bytes[i] & 15];
    }
    text << "\n";
  };
  if (variant.adds) {
    launch_sum_of_columns(call, shape, launch);
  } else {
    for_each_launch(call, shape, variant.group_size, kChip, launch);
  }
  return text.str();
}

const char* kept(const std::string& text) {
  static std::string last;
  last = text;
  return last.c_str();
}

}  // namespace

extern "C" {

// A call's variant and launches in lines; "error" and why where there are none.
const char* describe_call(const char* text) {
  try {
    return kept(describe(Numbers(text)));
  } catch (const std::exception& error) {
    return kept(std::string("error ") + error.what());
  }
}

int argument_bytes() { return sizeof(KernelArguments); }

// The record of arguments as C++ that does not compile where it is laid out otherwise.
const char* argument_layout() {
  std::ostringstream text;
  text << "static_assert(sizeof(opparity::KernelArguments) == " << sizeof(KernelArguments)
       << ");\n";
#define CHECK(MEMBER)                                                                    \
  text << "static_assert(__builtin_offsetof(opparity::KernelArguments, " #MEMBER ") == " \
       << offsetof(KernelArguments, MEMBER) << ");\n"
  CHECK(input);
  CHECK(gradient);
  CHECK(weight);
  CHECK(gate);
  CHECK(residual);
  CHECK(sum);
  CHECK(values);
  CHECK(scales);
  CHECK(given_scale);
  CHECK(scale_bound);
  CHECK(input_row_bytes);
  CHECK(gradient_row_bytes);
  CHECK(values_row_bytes);
  CHECK(gate_row_bytes);
  CHECK(residual_row_bytes);
  CHECK(sum_row_bytes);
  CHECK(place.token_128);
  CHECK(place.token_32);
  CHECK(place.token);
  CHECK(place.group_4);
  CHECK(place.group);
  CHECK(sum_gradient);
  CHECK(gate_gradient);
  CHECK(weight_gradient);
  CHECK(workspace);
  CHECK(sum_gradient_row_bytes);
  CHECK(gate_gradient_row_bytes);
  CHECK(column_values);
  CHECK(column_scales);
  CHECK(column_row_bytes);
  CHECK(column_place.token);
  CHECK(experts.rows);
  CHECK(experts.scale_offsets);
  CHECK(experts.count);
  CHECK(experts.room);
  CHECK(experts.multiple);
  CHECK(experts.scale_bytes);
  CHECK(experts.scale_rows);
  CHECK(experts.scale_step);
  CHECK(row_weights);
  CHECK(num_tokens);
  CHECK(place.padded_tokens);
  CHECK(place.padded_groups);
  CHECK(first_token);
  CHECK(hidden_size);
  CHECK(row_pieces);
  CHECK(last_piece);
  CHECK(pieces);
  CHECK(step);
  CHECK(threads);
  CHECK(multiplier);
  CHECK(shift);
  CHECK(least);
  CHECK(inverse_width);
  CHECK(parameters.value);
  CHECK(parameters.reciprocal);
#undef CHECK
  return kept(text.str());
}

// Runs one launch on the host. Returns an empty text, or what went wrong.
const char* run_on_host(void* kernel, uint32_t x, uint32_t y, uint32_t threads,
                        const void* arguments) {
  return kept(host::run_grid(reinterpret_cast<host::Kernel>(kernel), {x, y, threads},
                             *static_cast<const KernelArguments*>(arguments)));
}
}
