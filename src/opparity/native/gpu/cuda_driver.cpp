// CUDA's driver API.
#include <stdexcept>
#include <string>

#include "native/gpu/driver.h"
#include "native/gpu/library.h"

namespace opparity {
namespace {

// The part that is needed, by its documented binary interface.
using Result = int;
constexpr int kMultiprocessors = 16;
constexpr int kMemoryKilohertz = 36;
constexpr int kMemoryBits = 37;
constexpr int kThreadsOfAMultiprocessor = 39;
constexpr int kCapabilityMajor = 75;
constexpr int kCapabilityMinor = 76;
// Programmatic dependent launch came with Hopper, capability 9.0.
constexpr int kOverlappingMajor = 9;
constexpr int kProgrammaticSerialization = 6;

struct LaunchAttribute {
  int id;
  char padding[4];
  union {
    int allowed;
    char room[64];
  } value;
};
static_assert(sizeof(LaunchAttribute) == 72);

struct LaunchConfiguration {
  unsigned grid_x, grid_y, grid_z;
  unsigned block_x, block_y, block_z;
  unsigned shared_bytes;
  void* stream;
  LaunchAttribute* attributes;
  unsigned attribute_count;
};
static_assert(sizeof(LaunchConfiguration) == 56);

struct Functions {
  Result (*init)(unsigned);
  Result (*error_string)(Result, const char**);
  Result (*device_get)(int*, int);
  Result (*primary_context)(void**, int);
  Result (*current_context)(void**);
  Result (*push_context)(void*);
  Result (*pop_context)(void**);
  Result (*exchange_capture_mode)(int*);
  Result (*load_module)(void**, const void*);
  Result (*get_function)(void**, void*, const char*);
  Result (*device_attribute)(int*, int, int);
  Result (*launch)(const LaunchConfiguration*, void*, void**, void**);
  Result (*set_bytes)(unsigned long long, unsigned char, size_t, void*);
};

Functions open() {
  const char* advice =
      "NVIDIA's driver for CUDA 12 or newer is needed: install or update it, until nvidia-smi "
      "lists the GPU, and start a container with access to the GPU";
  void* library = open_library("the CUDA driver", {"libcuda.so.1"}, advice);
  Functions found{};
  find_symbol(library, "cuInit", advice, found.init);
  find_symbol(library, "cuGetErrorString", advice, found.error_string);
  find_symbol(library, "cuDeviceGet", advice, found.device_get);
  find_symbol(library, "cuDevicePrimaryCtxRetain", advice, found.primary_context);
  find_symbol(library, "cuCtxGetCurrent", advice, found.current_context);
  find_symbol(library, "cuCtxPushCurrent_v2", advice, found.push_context);
  find_symbol(library, "cuCtxPopCurrent_v2", advice, found.pop_context);
  find_symbol(library, "cuThreadExchangeStreamCaptureMode", advice, found.exchange_capture_mode);
  find_symbol(library, "cuModuleLoadData", advice, found.load_module);
  find_symbol(library, "cuModuleGetFunction", advice, found.get_function);
  find_symbol(library, "cuDeviceGetAttribute", advice, found.device_attribute);
  find_symbol(library, "cuLaunchKernelEx", advice, found.launch);
  find_symbol(library, "cuMemsetD8Async", advice, found.set_bytes);
  return found;
}

class CudaDriver final : public GpuDriver {
 public:
  CudaDriver() : cuda_(open()) {}

  GpuPlace open_device(int device) const override {
    int ordinal = 0;
    GpuPlace place;
    check(cuda_.init(0), "cuInit");
    check(cuda_.device_get(&ordinal, device), "cuDeviceGet ", std::to_string(device));
    place.facts.multiprocessors = attribute(kMultiprocessors, ordinal);
    place.facts.threads_of_a_multiprocessor = attribute(kThreadsOfAMultiprocessor, ordinal);
    // Two transfers a clock.
    place.facts.gigabytes_per_second =
        static_cast<int>(int64_t{2} * attribute(kMemoryKilohertz, ordinal) *
                         attribute(kMemoryBits, ordinal) / 8 / 1'000'000);
    const int major = attribute(kCapabilityMajor, ordinal);
    place.facts.can_overlap = major >= kOverlappingMajor;
    place.architecture =
        "sm_" + std::to_string(major) + std::to_string(attribute(kCapabilityMinor, ordinal));
    check(cuda_.primary_context(&place.handle, ordinal), "cuDevicePrimaryCtxRetain");
    return place;
  }

  intptr_t enter(const GpuPlace& place) const override {
    void* current = nullptr;
    check(cuda_.current_context(&current), "cuCtxGetCurrent");
    if (current == place.handle) return kStayed;
    check(cuda_.push_context(place.handle), "cuCtxPushCurrent");
    return 0;
  }

  void leave(intptr_t) const noexcept override {
    void* popped = nullptr;
    cuda_.pop_context(&popped);
  }

  int set_capture_mode(int mode) const override {
    check(cuda_.exchange_capture_mode(&mode), "stream capture mode");
    return mode;
  }

  void restore_capture_mode(int mode) const noexcept override {
    cuda_.exchange_capture_mode(&mode);
  }

  void* load_module(const void* code, const std::string& what) const override {
    void* module = nullptr;
    check(cuda_.load_module(&module, code), "loading ", what);
    return module;
  }

  void* find_function(void* module, const char* name) const override {
    void* function = nullptr;
    check(cuda_.get_function(&function, module, name), "finding ", name);
    return function;
  }

  void launch(void* function, const Grid& grid, const void* arguments, size_t, void* stream,
              bool overlaps) const override {
    void* parameters[] = {const_cast<void*>(arguments)};
    LaunchAttribute overlap{
        .id = kProgrammaticSerialization, .padding = {}, .value = {.allowed = 1}};
    const LaunchConfiguration configuration{
        .grid_x = grid.x,
        .grid_y = grid.y,
        .grid_z = 1,
        .block_x = grid.threads,
        .block_y = 1,
        .block_z = 1,
        .shared_bytes = grid.shared_bytes,
        .stream = stream,
        .attributes = &overlap,
        .attribute_count = overlaps ? 1U : 0U,
    };
    check(cuda_.launch(&configuration, function, parameters, nullptr), "cuLaunchKernelEx");
  }

  void clear_memory(void* address, size_t bytes, void* stream) const override {
    check(cuda_.set_bytes(reinterpret_cast<uintptr_t>(address), 0, bytes, stream),
          "cuMemsetD8Async");
  }

 private:
  int attribute(int which, int ordinal) const {
    int value = 0;
    check(cuda_.device_attribute(&value, which, ordinal), "cuDeviceGetAttribute");
    return value;
  }

  // Two parts, so that nothing is joined while all is well.
  void check(Result result, const char* what, const std::string& which = {}) const {
    if (result == 0) return;
    const char* words = nullptr;
    if (cuda_.error_string(result, &words) != 0 || words == nullptr) words = "unknown error";
    throw std::runtime_error(what + which + ": " + words + " (CUDA error " +
                             std::to_string(result) + ")");
  }

  const Functions cuda_;
};

}  // namespace

const GpuDriver& cuda_driver() {
  static const CudaDriver driver;
  return driver;
}

}  // namespace opparity
