// HIP's runtime. It has no contexts to push: a thread has a current device.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "native/gpu/driver.h"
#include "native/gpu/hip_interface.h"
#include "native/gpu/library.h"

namespace opparity {
namespace {

using hip::Result;

struct Functions {
  Result (*init)(unsigned);
  const char* (*error_name)(Result);
  const char* (*error_string)(Result);
  Result (*device_properties)(void*, int);
  Result (*get_device)(int*);
  Result (*set_device)(int);
  Result (*exchange_capture_mode)(int*);
  Result (*load_module)(void**, const void*);
  Result (*get_function)(void**, void*, const char*);
  Result (*launch)(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                   void*, void**, void**);
  Result (*set_bytes)(void*, int, size_t, void*);
};

Functions open() {
  const std::string name = "libamdhip64.so";
  // torch for ROCm has one loaded already, from its own folder or ROCm's; a second one would know
  // nothing of torch's memory and streams.
  const std::string loaded = path_of_loaded(name);
  const char* advice =
      "HIP's runtime of ROCm 6 or newer is needed: install the ROCm that torch was built for";
  void* library = open_library(
      "HIP's runtime",
      loaded.empty() ? std::vector{name, name + ".7", name + ".6"} : std::vector{loaded}, advice);
  Functions found{};
  find_symbol(library, "hipInit", advice, found.init);
  find_symbol(library, "hipGetErrorName", advice, found.error_name);
  find_symbol(library, "hipGetErrorString", advice, found.error_string);
  find_symbol(library, "hipGetDevicePropertiesR0600", advice, found.device_properties);
  find_symbol(library, "hipGetDevice", advice, found.get_device);
  find_symbol(library, "hipSetDevice", advice, found.set_device);
  find_symbol(library, "hipThreadExchangeStreamCaptureMode", advice, found.exchange_capture_mode);
  find_symbol(library, "hipModuleLoadData", advice, found.load_module);
  find_symbol(library, "hipModuleGetFunction", advice, found.get_function);
  find_symbol(library, "hipModuleLaunchKernel", advice, found.launch);
  find_symbol(library, "hipMemsetAsync", advice, found.set_bytes);
  return found;
}

class HipDriver final : public GpuDriver {
 public:
  HipDriver() : hip_(open()) {}

  GpuPlace open_device(int device) const override {
    check(hip_.init(0), "hipInit");
    hip::DeviceProperties properties{};
    check(hip_.device_properties(&properties, device), "hipGetDeviceProperties ",
          std::to_string(device));
    std::string architecture(properties.architecture,
                             strnlen(properties.architecture, sizeof properties.architecture));
    // "gfx942:sramecc+:xnack-": code without these words is for either setting of both.
    architecture.resize(std::min(architecture.find(':'), architecture.size()));
    GpuPlace place;
    place.handle = reinterpret_cast<void*>(static_cast<intptr_t>(device));
    place.facts.wave_size = architecture.starts_with("gfx9") ? 64 : 32;
    place.architecture = std::move(architecture);
    return place;
  }

  intptr_t enter(const GpuPlace& place) const override {
    const auto device = static_cast<int>(reinterpret_cast<intptr_t>(place.handle));
    int current = 0;
    check(hip_.get_device(&current), "hipGetDevice");
    if (current == device) return kStayed;
    check(hip_.set_device(device), "hipSetDevice");
    return current;
  }

  void leave(intptr_t previous) const noexcept override {
    hip_.set_device(static_cast<int>(previous));
  }

  int set_capture_mode(int mode) const override {
    check(hip_.exchange_capture_mode(&mode), "stream capture mode");
    return mode;
  }

  void restore_capture_mode(int mode) const noexcept override { hip_.exchange_capture_mode(&mode); }

  void* load_module(const void* code, const std::string& what) const override {
    void* module = nullptr;
    check(hip_.load_module(&module, code), "loading ", what);
    return module;
  }

  void* find_function(void* module, const char* name) const override {
    void* function = nullptr;
    check(hip_.get_function(&function, module, name), "finding ", name);
    return function;
  }

  void launch(void* function, const Grid& grid, const void* arguments, size_t size, void* stream,
              bool) const override {
    void* extra[] = {hip::kArgumentBuffer, const_cast<void*>(arguments), hip::kArgumentSize, &size,
                     hip::kArgumentsEnd};
    check(hip_.launch(function, grid.x, grid.y, 1, grid.threads, 1, 1, grid.shared_bytes, stream,
                      nullptr, extra),
          "hipModuleLaunchKernel");
  }

  void clear_memory(void* address, size_t bytes, void* stream) const override {
    check(hip_.set_bytes(address, 0, bytes, stream), "hipMemsetAsync");
  }

 private:
  // Two parts, so that nothing is joined while all is well.
  void check(Result result, const char* what, const std::string& which = {}) const {
    if (result == 0) return;
    const char* words = hip_.error_string(result);
    const char* name = hip_.error_name(result);
    throw std::runtime_error(what + which + ": " + (words == nullptr ? "" : words) +
                             " (HIP error " + std::to_string(result) + ", " +
                             (name == nullptr ? "unknown" : name) + ")");
  }

  const Functions hip_;
};

}  // namespace

const GpuDriver& hip_driver() {
  static const HipDriver driver;
  return driver;
}

}  // namespace opparity
