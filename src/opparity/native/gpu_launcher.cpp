#include "native/gpu_launcher.h"

#include <pthread.h>

#include <fstream>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace opparity {
namespace {

constexpr int kRelaxedCapture = 2;

std::atomic<bool> forked = false;

// From here on a forked child has a driver that was started in its parent and does not work in it,
// and perhaps a mutex that nobody there will unlock: it must not touch either.
void watch_for_forks() {
  static const int watching =
      pthread_atfork(nullptr, nullptr, [] { forked.store(true, std::memory_order_relaxed); });
  if (watching != 0) throw std::runtime_error("pthread_atfork: no memory");
}

// Makes a device current for its lifetime, and leaves the caller's as it was.
class CurrentDevice {
 public:
  CurrentDevice(const GpuDriver& driver, const GpuPlace& place)
      : driver_(driver), previous_(driver.enter(place)) {}
  ~CurrentDevice() {
    if (previous_ != GpuDriver::kStayed) driver_.leave(previous_);
  }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  const GpuDriver& driver_;
  const intptr_t previous_;
};

// Loading a module counts as unsafe while some stream of the thread is being captured, although it
// touches none: allow it for its lifetime.
class RelaxedCapture {
 public:
  explicit RelaxedCapture(const GpuDriver& driver)
      : driver_(driver), previous_(driver.set_capture_mode(kRelaxedCapture)) {}
  ~RelaxedCapture() { driver_.restore_capture_mode(previous_); }
  RelaxedCapture(const RelaxedCapture&) = delete;
  RelaxedCapture& operator=(const RelaxedCapture&) = delete;

 private:
  const GpuDriver& driver_;
  const int previous_;
};

std::vector<char> read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || bytes.empty()) {
    throw std::runtime_error("the code object " + path +
                             " cannot be read: this architecture has none, or the installation is "
                             "broken; with OPPARITY_FORBID=native Triton serves instead");
  }
  return bytes;
}

}  // namespace

struct KernelSet::Device {
  explicit Device(size_t count) : functions(count) {}
  GpuPlace place;
  void* module = nullptr;
  // HIP's runtime reads from it after loading too.
  std::vector<char> code;
  std::vector<std::atomic<void*>> functions;
};

KernelSet::KernelSet(const GpuDriver& (*driver)(), std::string path, std::vector<std::string> names)
    : driver_(driver), path_(std::move(path)), names_(std::move(names)) {}

// Modules stay loaded: at exit the driver may be gone before this library is.
KernelSet::~KernelSet() = default;

std::unique_ptr<KernelSet::Device> KernelSet::load(int device) const {
  const GpuDriver& driver = driver_();
  auto fresh = std::make_unique<Device>(names_.size());
  fresh->place = driver.open_device(device);
  const std::string path = path_ + fresh->place.extension;
  fresh->code = read(path);
  const RelaxedCapture capture(driver);
  const CurrentDevice current(driver, fresh->place);
  fresh->module = driver.load_module(fresh->code.data(),
                                     path + " on device " + std::to_string(device) +
                                         " (with OPPARITY_FORBID=native Triton serves instead)");
  return fresh;
}

KernelSet::Device& KernelSet::device_of(int device) {
  if (forked.load(std::memory_order_relaxed)) {
    throw std::runtime_error(
        "this process was forked from one that had used a GPU, where no GPU driver works; start "
        "it with the multiprocessing method 'spawn'");
  }
  if (device < 0 || device >= kDevices) {
    throw std::runtime_error("device " + std::to_string(device) + " is not one of the first " +
                             std::to_string(kDevices) + "; hide others from this process");
  }
  Device* known = devices_[device].load(std::memory_order_acquire);
  if (known != nullptr) return *known;
  watch_for_forks();
  const std::lock_guard lock(mutex_);
  known = devices_[device].load(std::memory_order_acquire);
  if (known != nullptr) return *known;
  known = load(device).release();
  devices_[device].store(known, std::memory_order_release);
  return *known;
}

void* KernelSet::function_of(Device& device, size_t index) const {
  void* function = device.functions[index].load(std::memory_order_acquire);
  if (function != nullptr) return function;
  const RelaxedCapture capture(driver_());
  function = driver_().find_function(device.module, names_[index]);
  device.functions[index].store(function, std::memory_order_release);
  return function;
}

const GpuFacts& KernelSet::facts(int device) { return device_of(device).place.facts; }

void KernelSet::launch(int device, size_t index, const Grid& grid, const void* arguments,
                       size_t size, void* stream) {
  Device& loaded = device_of(device);
  const CurrentDevice current(driver_(), loaded.place);
  void* function = function_of(loaded, index);
  driver_().launch(loaded.place, function, grid, arguments, size, stream, names_[index]);
}

}  // namespace opparity
