// What the launcher needs of a GPU's driver, the same for CUDA's driver API and for HIP's runtime.
// Both are opened when they are first needed, and neither is linked.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace opparity {

struct Grid {
  uint32_t x;
  uint32_t y;
  uint32_t threads;
  uint32_t shared_bytes = 0;
};

// What launch choices depend on. AMD's depend on the wave size alone, so the others are 0 there.
struct GpuFacts {
  int multiprocessors = 0;
  int threads_of_a_multiprocessor = 0;
  // The lanes of a warp or wave.
  uint32_t wave_size = 32;
};

// A device as its driver knows it.
struct GpuPlace {
  void* handle = nullptr;
  // Of its code objects: ".fatbin", which holds every architecture; ".gfx942.hsaco", which one.
  std::string extension;
  GpuFacts facts;
  // Whether launches overlap the kernel before (native/overlap.cuh).
  bool overlaps = false;
};

// Each function throws std::runtime_error, with the driver's own words, where a call fails.
class GpuDriver {
 public:
  virtual ~GpuDriver() = default;
  virtual GpuPlace open_device(int device) const = 0;
  // Makes a place current in this thread. Returns what `leave` takes to undo that, or `kStayed`.
  virtual intptr_t enter(const GpuPlace& place) const = 0;
  virtual void leave(intptr_t previous) const noexcept = 0;
  // Sets this thread's stream capture mode and returns the one before.
  virtual int set_capture_mode(int mode) const = 0;
  virtual void restore_capture_mode(int mode) const noexcept = 0;
  virtual void* load_module(const void* code, const std::string& what) const = 0;
  virtual void* find_function(void* module, const std::string& name) const = 0;
  // `arguments` are the kernel's parameters as they lie in memory.
  virtual void launch(const GpuPlace& place, void* function, const Grid& grid,
                      const void* arguments, size_t size, void* stream,
                      const std::string& name) const = 0;

  static constexpr intptr_t kStayed = -1;
};

const GpuDriver& cuda_driver();
const GpuDriver& hip_driver();

template <typename Function>
void find_symbol(void* library, const char* name, const char* advice, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) {
    throw std::runtime_error(std::string(advice) + ": there is no " + name);
  }
}

}  // namespace opparity
