#include "native/gpu_launcher.h"

#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace opparity {
namespace {

// The part of CUDA's driver API that is needed, by its documented binary interface.
using Result = int;
constexpr int kRelaxedCapture = 2;
constexpr int kMultiprocessors = 16;
constexpr int kThreadsOfAMultiprocessor = 39;
constexpr int kCapabilityMajor = 75;
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

struct Driver {
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
};

template <typename Function>
void find(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) {
    throw std::runtime_error(std::string("the CUDA driver has no ") + name +
                             "; a driver of CUDA 12 or newer is needed");
  }
}

Driver open_driver() {
  void* library = dlopen("libcuda.so.1", RTLD_NOW);
  if (library == nullptr) {
    throw std::runtime_error(std::string("the CUDA driver does not load: ") + dlerror());
  }
  Driver driver{};
  find(library, "cuInit", driver.init);
  find(library, "cuGetErrorString", driver.error_string);
  find(library, "cuDeviceGet", driver.device_get);
  find(library, "cuDevicePrimaryCtxRetain", driver.primary_context);
  find(library, "cuCtxGetCurrent", driver.current_context);
  find(library, "cuCtxPushCurrent_v2", driver.push_context);
  find(library, "cuCtxPopCurrent_v2", driver.pop_context);
  find(library, "cuThreadExchangeStreamCaptureMode", driver.exchange_capture_mode);
  find(library, "cuModuleLoadData", driver.load_module);
  find(library, "cuModuleGetFunction", driver.get_function);
  find(library, "cuDeviceGetAttribute", driver.device_attribute);
  find(library, "cuLaunchKernelEx", driver.launch);
  return driver;
}

const Driver& driver() {
  static const Driver opened = open_driver();
  return opened;
}

void check(Result result, const std::string& what) {
  if (result == 0) return;
  const char* words = nullptr;
  if (driver().error_string(result, &words) != 0 || words == nullptr) words = "unknown error";
  throw std::runtime_error(what + ": " + words + " (CUDA error " + std::to_string(result) + ")");
}

// Makes a context current for its lifetime, and leaves the caller's as it was.
class ContextGuard {
 public:
  explicit ContextGuard(void* context) {
    void* current = nullptr;
    check(driver().current_context(&current), "cuCtxGetCurrent");
    if (current == context) return;
    check(driver().push_context(context), "cuCtxPushCurrent");
    pushed_ = true;
  }
  ~ContextGuard() {
    void* popped = nullptr;
    if (pushed_) driver().pop_context(&popped);
  }
  ContextGuard(const ContextGuard&) = delete;
  ContextGuard& operator=(const ContextGuard&) = delete;

 private:
  bool pushed_ = false;
};

// Loading a module counts as unsafe while some stream of the thread is being captured, although it
// touches none: allow it for its lifetime.
class RelaxedCapture {
 public:
  RelaxedCapture() { check(driver().exchange_capture_mode(&mode_), "stream capture mode"); }
  ~RelaxedCapture() { driver().exchange_capture_mode(&mode_); }
  RelaxedCapture(const RelaxedCapture&) = delete;
  RelaxedCapture& operator=(const RelaxedCapture&) = delete;

 private:
  int mode_ = kRelaxedCapture;
};

std::vector<char> read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || bytes.empty()) {
    throw std::runtime_error("the code object " + path +
                             " cannot be read; reinstall opparity, or set OPPARITY_FORBID=native");
  }
  return bytes;
}

}  // namespace

struct KernelSet::Device {
  explicit Device(size_t count) : functions(count) {}
  Facts facts{};
  bool overlaps = false;
  void* context = nullptr;
  void* module = nullptr;
  std::vector<std::atomic<void*>> functions;
};

KernelSet::KernelSet(std::string path, std::vector<std::string> names)
    : path_(std::move(path)), names_(std::move(names)) {}

// Modules stay loaded: at exit the driver may be gone before this library is.
KernelSet::~KernelSet() = default;

KernelSet::Device& KernelSet::device_of(int device) {
  if (device < 0 || device >= kDevices) {
    throw std::runtime_error("device " + std::to_string(device) + " is not one of the first " +
                             std::to_string(kDevices) + "; set CUDA_VISIBLE_DEVICES");
  }
  Device* known = devices_[device].load(std::memory_order_acquire);
  if (known != nullptr) return *known;
  const std::lock_guard lock(mutex_);
  known = devices_[device].load(std::memory_order_acquire);
  if (known != nullptr) return *known;
  auto fresh = std::make_unique<Device>(names_.size());
  int ordinal = 0;
  check(driver().init(0), "cuInit");
  check(driver().device_get(&ordinal, device), "cuDeviceGet " + std::to_string(device));
  const auto attribute = [ordinal](int which) {
    int value = 0;
    check(driver().device_attribute(&value, which, ordinal), "cuDeviceGetAttribute");
    return value;
  };
  fresh->facts = {attribute(kMultiprocessors), attribute(kThreadsOfAMultiprocessor)};
  fresh->overlaps = attribute(kCapabilityMajor) >= kOverlappingMajor;
  check(driver().primary_context(&fresh->context, ordinal), "cuDevicePrimaryCtxRetain");
  const std::vector<char> code = read(path_);
  const RelaxedCapture capture;
  const ContextGuard context(fresh->context);
  check(driver().load_module(&fresh->module, code.data()),
        "loading " + path_ + " on device " + std::to_string(device) +
            " (with OPPARITY_FORBID=native Triton serves instead)");
  known = fresh.release();
  devices_[device].store(known, std::memory_order_release);
  return *known;
}

void* KernelSet::function_of(Device& device, size_t index) {
  void* function = device.functions[index].load(std::memory_order_acquire);
  if (function != nullptr) return function;
  const RelaxedCapture capture;
  check(driver().get_function(&function, device.module, names_[index].c_str()),
        "the kernel " + names_[index] + " of " + path_);
  device.functions[index].store(function, std::memory_order_release);
  return function;
}

KernelSet::Facts KernelSet::facts(int device) { return device_of(device).facts; }

void KernelSet::launch(int device, size_t index, Grid grid, const void* arguments, void* stream) {
  Device& loaded = device_of(device);
  const ContextGuard context(loaded.context);
  void* function = function_of(loaded, index);
  void* parameters[] = {const_cast<void*>(arguments)};
  LaunchAttribute overlap{.id = kProgrammaticSerialization, .padding = {}, .value = {.allowed = 1}};
  const LaunchConfiguration configuration{
      .grid_x = grid.x,
      .grid_y = grid.y,
      .grid_z = 1,
      .block_x = grid.threads,
      .block_y = 1,
      .block_z = 1,
      .shared_bytes = 0,
      .stream = stream,
      .attributes = &overlap,
      .attribute_count = loaded.overlaps ? 1U : 0U,
  };
  check(driver().launch(&configuration, function, parameters, nullptr),
        "launching " + names_[index]);
}

}  // namespace opparity
