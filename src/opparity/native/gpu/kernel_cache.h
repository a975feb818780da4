// The GPU kernels of this process: compiled when they are first asked for, and kept. Knows nothing
// of torch.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "native/gpu/compiler.h"
#include "native/gpu/driver.h"
#include "native/gpu/function_table.h"

namespace opparity {

// What compiling has cost this process so far.
struct CompilationCost {
  int kernels = 0;
  double seconds = 0;
};

// Every function throws std::runtime_error, with the words of the driver or the compiler, where
// anything fails, and may be called by several threads at once and while a stream is captured. In a
// process that was forked after the first use it refuses, since no GPU driver works there.
class KernelCache {
 public:
  // The driver and the compiler are asked for at the first use.
  KernelCache(const GpuDriver& (*driver)(), const RuntimeCompiler& (*compiler)());
  // Modules stay loaded: at exit the driver may be gone before this library is.
  ~KernelCache();

  // Returns the kernel of a variant for a device, for `launch`. `key` stands for the variant, and
  // `describe`, called where the variant is new, says which it is. Several threads that ask for a
  // new one at once have it compiled once. What is there already is found without a lock.
  template <typename Describe>
  void* function(int device, uint64_t key, const Describe& describe) {
    void* known = device_of(device).functions.find(key);
    return known != nullptr ? known : make(device, key, describe);
  }

  // Opens a device where it is not yet; compiles nothing.
  const GpuFacts& facts(int device) { return device_of(device).place.facts; }

  // Launches a kernel on a stream of a device. `arguments` are its one parameter as it lies in
  // memory. Where `overlaps` is true, the chip can and OPPARITY_OVERLAP is not 0, the kernel's
  // blocks are set up while the kernel before it runs.
  void launch(int device, void* function, const Grid& grid, const void* arguments, size_t size,
              void* stream, bool overlaps);

  // Writes zeros when the stream comes to it.
  void clear_memory(int device, void* address, size_t bytes, void* stream);

  CompilationCost cost() const;

 private:
  struct Device {
    GpuPlace place;
    FunctionTable functions;
  };
  // Of a variant, by architecture. HIP's runtime reads from them after loading too.
  using Images = std::map<std::string, std::vector<char>>;

  Device& device_of(int device);
  Device& open(int device);
  void* make(int device, uint64_t key, const std::function<KernelSource()>& describe);
  void* load(const GpuPlace& place, Images& images, const KernelSource& source);
  const std::vector<char>& image_of(const GpuPlace& place, Images& images,
                                    const KernelSource& source);
  std::string name_of(void* function) const;

  static constexpr int kDevices = 64;

  const GpuDriver& (*const driver_)();
  const RuntimeCompiler& (*const compiler_)();
  std::atomic<Device*> devices_[kDevices] = {};
  // Of what follows. It is not held while a variant is compiled and loaded, which its key in
  // `in_progress_` gives to one thread.
  mutable std::mutex mutex_;
  std::condition_variable finished_;
  std::set<uint64_t> in_progress_;
  std::map<uint64_t, Images> images_;
  std::map<void*, std::string> names_;
  CompilationCost cost_;
};

// The one of this process, for the GPUs that torch was built for.
KernelCache& kernel_cache();

}  // namespace opparity
