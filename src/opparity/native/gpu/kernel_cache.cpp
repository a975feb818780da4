#include "native/gpu/kernel_cache.h"

#include <pthread.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

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

bool read_overlap_choice() {
  const char* given = std::getenv("OPPARITY_OVERLAP");
  if (given == nullptr || std::strcmp(given, "1") == 0) return true;
  if (std::strcmp(given, "0") == 0) return false;
  throw std::runtime_error(std::string("OPPARITY_OVERLAP is '") + given +
                           "'; allowed: 1, so that launches overlap the kernel before them, and "
                           "0, so that they do not; set one of them");
}

bool may_overlap() {
  static const bool choice = read_overlap_choice();
  return choice;
}

}  // namespace

KernelCache::KernelCache(const GpuDriver& (*driver)(), const RuntimeCompiler& (*compiler)())
    : driver_(driver), compiler_(compiler) {}

KernelCache::~KernelCache() = default;

KernelCache::Device& KernelCache::device_of(int device) {
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
  return known != nullptr ? *known : open(device);
}

KernelCache::Device& KernelCache::open(int device) {
  watch_for_forks();
  const std::lock_guard lock(mutex_);
  Device* known = devices_[device].load(std::memory_order_acquire);
  if (known != nullptr) return *known;
  auto fresh = std::make_unique<Device>();
  fresh->place = driver_().open_device(device);
  known = fresh.release();
  devices_[device].store(known, std::memory_order_release);
  return *known;
}

void* KernelCache::make(int device, uint64_t key, const std::function<KernelSource()>& describe) {
  Device& place = device_of(device);
  std::unique_lock lock(mutex_);
  for (;;) {
    void* known = place.functions.find(key);
    if (known != nullptr) return known;
    if (in_progress_.insert(key).second) break;
    finished_.wait(lock);
  }
  Images& images = images_[key];
  lock.unlock();
  // Where it fails, the next thread that waits tries again, and learns the reason itself.
  const auto finish = [&] {
    in_progress_.erase(key);
    finished_.notify_all();
  };
  try {
    const KernelSource source = describe();
    void* function = load(place.place, images, source);
    lock.lock();
    place.functions.add(key, function);
    names_[function] = source.name;
    finish();
    return function;
  } catch (...) {
    if (!lock.owns_lock()) lock.lock();
    finish();
    throw;
  }
}

void* KernelCache::load(const GpuPlace& place, Images& images, const KernelSource& source) {
  const GpuDriver& driver = driver_();
  const std::vector<char>& image = image_of(place, images, source);
  const RelaxedCapture capture(driver);
  const CurrentDevice current(driver, place);
  void* module = driver.load_module(
      image.data(), source.name + " for " + place.architecture +
                        " (with OPPARITY_FORBID=native the reference serves instead)");
  return driver.find_function(module, kKernelName);
}

const std::vector<char>& KernelCache::image_of(const GpuPlace& place, Images& images,
                                               const KernelSource& source) {
  const auto known = images.find(place.architecture);
  if (known != images.end()) return known->second;
  const RuntimeCompiler& compiler = compiler_();
  const auto start = std::chrono::steady_clock::now();
  std::vector<char> image = compiler.compile(source, place.architecture);
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  const std::lock_guard lock(mutex_);
  ++cost_.kernels;
  cost_.seconds += taken.count();
  return images.emplace(place.architecture, std::move(image)).first->second;
}

std::string KernelCache::name_of(void* function) const {
  const std::lock_guard lock(mutex_);
  const auto known = names_.find(function);
  return known == names_.end() ? "a kernel that is not one of the cache's" : known->second;
}

void KernelCache::launch(int device, void* function, const Grid& grid, const void* arguments,
                         size_t size, void* stream, bool overlaps) {
  const GpuPlace& place = device_of(device).place;
  const GpuDriver& driver = driver_();
  const CurrentDevice current(driver, place);
  try {
    driver.launch(function, grid, arguments, size, stream,
                  overlaps && place.facts.can_overlap && may_overlap());
  } catch (const std::runtime_error& error) {
    throw std::runtime_error("launching " + name_of(function) + ": " + error.what());
  }
}

void KernelCache::clear_memory(int device, void* address, size_t bytes, void* stream) {
  const GpuPlace& place = device_of(device).place;
  const CurrentDevice current(driver_(), place);
  driver_().clear_memory(address, bytes, stream);
}

CompilationCost KernelCache::cost() const {
  const std::lock_guard lock(mutex_);
  return cost_;
}

}  // namespace opparity
