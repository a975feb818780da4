// Runs the CPU kernel of the capability that it is compiled for on the calls in a file:
//   cpu_kernel_program <file of calls> <file of results>
// A call is the numbers of `Record` and then the bytes of input, gradient, weight, gate, residual
// and the scales of tokens and columns; its result is the bytes of values, scales and the residual,
// which the sum replaces. test_cpu_kernel.py writes the one and reads the other.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "native/cpu/kernel.h"

namespace {

using namespace opparity;

// All of it in 8 bytes each, so that no compiler puts gaps between.
struct Record {
  int64_t producer, is_backward, is_interleaved, input_type, gradient_type, intermediate;
  int64_t value_format, rule, scale_is_byte;
  int64_t num_tokens, hidden_size, group_size;
  int64_t input_row_bytes, gradient_row_bytes, values_row_bytes;
  int64_t is_tiled, token_128, token_32, token, group_4, group;
  int64_t input_bytes, gradient_bytes, values_bytes, scale_bytes;
  int64_t has_given_scale, has_scale_bound, looks_up;
  int64_t is_by_token, bounds_amax, keeps_sum, beside_row_bytes;
  int64_t weight_bytes, gate_bytes, residual_bytes;
  int64_t token_scales_bytes, weight_scales_bytes;
  double given_scale, scale_bound, least;
  double value[kMostParameters], reciprocal[kMostParameters];
};

// Bytes that end where a page begins that cannot be touched, so that a read or a write beyond them
// ends the process.
class GuardedBytes {
 public:
  explicit GuardedBytes(int64_t size) : size_(static_cast<size_t>(size)) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (size_ + page - 1) / page * page + page;
    void* mapping =
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) std::abort();
    base_ = static_cast<char*>(mapping);
    if (mprotect(base_ + mapped_ - page, page, PROT_NONE) != 0) std::abort();
    data_ = base_ + mapped_ - page - size_;
  }
  ~GuardedBytes() { munmap(base_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  void read(std::FILE* file) {
    if (std::fread(data_, 1, size_, file) != size_) std::abort();
  }
  void write(std::FILE* file) const {
    if (std::fwrite(data_, 1, size_, file) != size_) std::abort();
  }
  void fill(int byte) { std::memset(data_, byte, size_); }
  void* data() const { return data_; }
  // nullptr for none.
  void* some() const { return size_ == 0 ? nullptr : data_; }

 private:
  size_t size_, mapped_;
  char *base_, *data_;
};

// What no kernel writes stays this.
constexpr int kUntouched = 0xa5;

void run(const Record& record, std::FILE* from, std::FILE* to) {
  GuardedBytes input(record.input_bytes), gradient(record.gradient_bytes);
  GuardedBytes values(record.values_bytes), scales(record.scale_bytes);
  GuardedBytes weight(record.weight_bytes), gate(record.gate_bytes);
  GuardedBytes residual(record.residual_bytes);
  GuardedBytes token_scales(record.token_scales_bytes), weight_scales(record.weight_scales_bytes);
  for (GuardedBytes* given :
       {&input, &gradient, &weight, &gate, &residual, &token_scales, &weight_scales}) {
    given->read(from);
  }
  values.fill(kUntouched);
  scales.fill(kUntouched);
  const auto given = static_cast<float>(record.given_scale);
  const auto bound = static_cast<float>(record.scale_bound);
  Call call{};
  call.producer = static_cast<Producer>(record.producer);
  call.is_backward = record.is_backward == 1;
  // A gradient that is quantised, and not written.
  call.quantises_gradient = record.is_backward == 2;
  call.is_interleaved = record.is_interleaved != 0;
  call.input_type = static_cast<InputType>(record.input_type);
  call.gradient_type = static_cast<InputType>(record.gradient_type);
  call.intermediate = static_cast<Intermediate>(record.intermediate);
  call.value_format = static_cast<ValueFormat>(record.value_format);
  call.rule = static_cast<ScaleRule>(record.rule);
  call.scale_is_byte = record.scale_is_byte != 0;
  call.input = input.data();
  call.gradient = gradient.data();
  call.values = values.data();
  call.scales = scales.data();
  call.is_by_token = record.is_by_token != 0;
  call.bounds_amax = record.bounds_amax != 0;
  call.keeps_sum = record.keeps_sum != 0;
  call.weight = weight.some();
  call.gate = gate.some();
  call.token_scales = static_cast<const float*>(token_scales.some());
  call.weight_scales = static_cast<const float*>(weight_scales.some());
  call.residual = call.sum = residual.some();
  call.gate_row_bytes = call.residual_row_bytes = call.sum_row_bytes = record.beside_row_bytes;
  call.given_scale = record.has_given_scale != 0 ? &given : nullptr;
  call.scale_bound = record.has_scale_bound != 0 ? &bound : nullptr;
  call.least = static_cast<float>(record.least);
  call.num_tokens = record.num_tokens;
  call.hidden_size = record.hidden_size;
  call.group_size = record.group_size;
  call.input_row_bytes = record.input_row_bytes;
  call.gradient_row_bytes = record.gradient_row_bytes;
  call.values_row_bytes = record.values_row_bytes;
  call.place.is_tiled = record.is_tiled != 0;
  call.place.token_128 = record.token_128;
  call.place.token_32 = record.token_32;
  call.place.token = record.token;
  call.place.group_4 = record.group_4;
  call.place.group = record.group;
  for (int i = 0; i < kMostParameters; ++i) {
    call.parameters.value[i] = static_cast<float>(record.value[i]);
    call.parameters.reciprocal[i] = static_cast<float>(record.reciprocal[i]);
  }
  // Two threads at once, whose pieces of work meet within a token.
  const int64_t work = work_of(call), middle = work / 2 + work % 2;
  std::thread other([&] { OPPARITY_CAPABILITY::compute(call, record.looks_up != 0, 0, middle); });
  OPPARITY_CAPABILITY::compute(call, record.looks_up != 0, middle, work);
  other.join();
  values.write(to);
  scales.write(to);
  residual.write(to);
}

}  // namespace

int main(int, char** arguments) {
  std::FILE* from = std::fopen(arguments[1], "rb");
  std::FILE* to = std::fopen(arguments[2], "wb");
  if (from == nullptr || to == nullptr) return 1;
  Record record;
  while (std::fread(&record, sizeof record, 1, from) == 1) run(record, from, to);
  return std::fclose(to);
}
