// What the kernel cache needs of a GPU's driver, the same for CUDA's driver API and for HIP's
// runtime. Both are opened when they are first needed, and neither is linked.
#pragma once

#include <cstddef>
#include <cstdint>
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
  // The memory's, as its clock and its width promise.
  int gigabytes_per_second = 0;
  // The lanes of a warp or wave.
  uint32_t wave_size = 32;
  // Whether a launch can overlap the kernel before it (platforms/cuda.h says what that asks of
  // kernels).
  bool can_overlap = false;
};

// A device as its driver knows it.
struct GpuPlace {
  void* handle = nullptr;
  // As the compiler takes it: "sm_90", "gfx942".
  std::string architecture;
  GpuFacts facts;
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
  virtual void* find_function(void* module, const char* name) const = 0;
  // `arguments` are the kernel's one parameter as it lies in memory.
  virtual void launch(void* function, const Grid& grid, const void* arguments, size_t size,
                      void* stream, bool overlaps) const = 0;
  // Writes zeros when the stream comes to it.
  virtual void clear_memory(void* address, size_t bytes, void* stream) const = 0;

  static constexpr intptr_t kStayed = -1;
};

const GpuDriver& cuda_driver();
const GpuDriver& hip_driver();

}  // namespace opparity
