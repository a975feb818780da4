// Launching precompiled kernels on NVIDIA and AMD GPUs. Knows nothing of torch.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "native/gpu_driver.h"

namespace opparity {

// The kernels of one code object: a fatbin that holds machine code for several architectures, from
// which CUDA's driver takes its own, or one file for each architecture on AMD. Loaded once for each
// device; safe to use from several threads and during stream capture. In a process that was forked
// after the first launch it refuses, since no GPU driver works there. Kernels are launched so that
// they overlap the one before where the chip can (native/overlap.cuh), so each must wait before it
// touches memory.
class KernelSet {
 public:
  // `path` lacks the extension. `names` are the kernels, in the order that `launch` numbers them.
  // The driver is asked for at the first launch.
  KernelSet(const GpuDriver& (*driver)(), std::string path, std::vector<std::string> names);
  ~KernelSet();

  // Loads the code object on a device where it is not yet. Throws as `launch` does.
  const GpuFacts& facts(int device);

  // Launches kernel `index` on a stream of a device; `arguments` are its parameters as they lie in
  // memory. Throws std::runtime_error with the driver's own words where anything fails.
  template <typename Arguments>
  void launch(int device, size_t index, const Grid& grid, const Arguments& arguments,
              void* stream) {
    launch(device, index, grid, &arguments, sizeof arguments, stream);
  }

 private:
  struct Device;
  Device& device_of(int device);
  std::unique_ptr<Device> load(int device) const;
  void* function_of(Device& device, size_t index) const;
  void launch(int device, size_t index, const Grid& grid, const void* arguments, size_t size,
              void* stream);

  const GpuDriver& (*const driver_)();
  const std::string path_;
  const std::vector<std::string> names_;
  std::mutex mutex_;
  static constexpr int kDevices = 64;
  std::atomic<Device*> devices_[kDevices] = {};
};

}  // namespace opparity
