// Launching precompiled kernels on NVIDIA GPUs without linking any GPU library: the driver is
// opened when the first kernel is launched. Knows nothing of torch.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace opparity {

struct Grid {
  uint32_t x;
  uint32_t y;
  uint32_t threads;
};

// The kernels of one code object: a fatbin that holds machine code for several architectures, from
// which the driver takes its own. Loaded once for each device; safe to use from several threads and
// during stream capture. Kernels are launched so that they overlap the one before where the chip
// can (native/overlap.cuh), so each must wait before it touches memory.
class KernelSet {
 public:
  // What launch choices depend on.
  struct Facts {
    int multiprocessors;
    int threads_of_a_multiprocessor;
  };

  // `names` are the kernels, in the order in which `launch` numbers them.
  KernelSet(std::string path, std::vector<std::string> names);
  ~KernelSet();

  // Loads the code object on a device where it is not yet. Throws as `launch` does.
  Facts facts(int device);

  // Launches kernel `index` on a stream of a device; `arguments` is the kernel's one parameter.
  // Throws std::runtime_error with the driver's own words where anything fails.
  void launch(int device, size_t index, Grid grid, const void* arguments, void* stream);

 private:
  struct Device;
  Device& device_of(int device);
  void* function_of(Device& device, size_t index);

  const std::string path_;
  const std::vector<std::string> names_;
  std::mutex mutex_;
  static constexpr int kDevices = 64;
  std::atomic<Device*> devices_[kDevices] = {};
};

}  // namespace opparity
