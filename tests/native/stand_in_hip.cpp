// A stand-in for libamdhip64.so that prints every call, and fails where an environment variable
// named after the function says with which error. STAND_IN_ARCHITECTURES lists the devices.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "native/hip_interface.h"

namespace {

std::mutex mutex;

int answer(const char* name, const std::string& detail) {
  const std::lock_guard lock(mutex);
  std::printf("%s %s\n", name, detail.c_str());
  std::fflush(stdout);
  const char* failure = std::getenv(name);
  return failure == nullptr ? 0 : std::atoi(failure);
}

std::vector<std::string> architectures() {
  const char* given = std::getenv("STAND_IN_ARCHITECTURES");
  std::istringstream words(given == nullptr ? "gfx942:sramecc+:xnack- gfx1100" : given);
  std::vector<std::string> names;
  for (std::string word; words >> word;) names.push_back(word);
  return names;
}

std::string hexadecimal(const void* data, size_t size) {
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<const unsigned char*>(data)[i]);
    text += digits;
  }
  return text;
}

// The device of a thread, its capture mode, and what is loaded where.
thread_local int current_device = 0;
thread_local int capture_mode = 0;

struct Module {
  int device;
  const void* image;
};

struct Function {
  Module* module;
  std::string name;
};

}  // namespace

extern "C" {

int hipInit(unsigned) { return answer("hipInit", ""); }
const char* hipGetErrorName(int error) {
  return error == 209 ? "hipErrorNoBinaryForGpu" : "hipErrorOther";
}
const char* hipGetErrorString(int error) {
  return error == 209 ? "no kernel image is available for execution on the device"
                      : "some other error";
}
int hipGetDevicePropertiesR0600(void* properties, int device) {
  const std::vector<std::string> known = architectures();
  if (device >= static_cast<int>(known.size())) return 101;
  // As much as ROCm 7 writes; the caller's buffer must have that room.
  std::memset(properties, 0, 1472);
  std::strcpy(static_cast<char*>(properties) + 1160, known[device].c_str());
  return answer("hipGetDevicePropertiesR0600", std::to_string(device));
}
int hipGetDevice(int* device) {
  *device = current_device;
  return 0;
}
int hipSetDevice(int device) {
  current_device = device;
  return answer("hipSetDevice", std::to_string(device));
}
int hipThreadExchangeStreamCaptureMode(int* mode) {
  std::swap(*mode, capture_mode);
  return answer("hipThreadExchangeStreamCaptureMode", std::to_string(capture_mode));
}
int hipModuleLoadData(void** module, const void* image) {
  // As the runtime does in a capture of the global kind, the default: what is unsafe ends it.
  const char* capturing = std::getenv("STAND_IN_CAPTURES");
  if (capturing != nullptr && capture_mode != 2) return 901;
  *module = new Module{current_device, image};
  return answer("hipModuleLoadData", std::string(static_cast<const char*>(image), 4) + " on " +
                                         std::to_string(current_device));
}
int hipModuleGetFunction(void** function, void* module, const char* name) {
  *function = new Function{static_cast<Module*>(module), name};
  return answer("hipModuleGetFunction", name);
}
#ifndef WITHOUT_LAUNCH
int hipModuleLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned threads,
                          unsigned threads_y, unsigned threads_z, unsigned shared, void* stream,
                          void** parameters, void** extra) {
  const auto* launched = static_cast<Function*>(function);
  // What HIP documents for a kernel whose parameters are one buffer, and what it refuses.
  if (parameters != nullptr || extra[0] != opparity::hip::kArgumentBuffer ||
      extra[2] != opparity::hip::kArgumentSize || extra[4] != opparity::hip::kArgumentsEnd) {
    return 1;
  }
  if (launched->module->device != current_device) return 400;
  if (static_cast<unsigned long long>(x) * threads > 0xFFFFFFFFull) return 9;
  std::ostringstream detail;
  detail << launched->name << " on " << current_device << " image "
         << std::string(static_cast<const char*>(launched->module->image), 4) << ' ' << x << 'x'
         << y << 'x' << z << " of " << threads << 'x' << threads_y << 'x' << threads_z << " shared "
         << shared << " stream " << reinterpret_cast<long>(stream) << " arguments "
         << hexadecimal(extra[1], *static_cast<size_t*>(extra[3]));
  return answer("hipModuleLaunchKernel", detail.str());
}
#endif
}
