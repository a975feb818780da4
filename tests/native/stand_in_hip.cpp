// A stand-in for libamdhip64.so (recording.h). STAND_IN_ARCHITECTURES lists the devices.
#include <cstdint>
#include <cstring>

#include "native/gpu/hip_interface.h"
#include "recording.h"

namespace {

std::vector<std::string> architectures() {
  return words_of("STAND_IN_ARCHITECTURES", "gfx942:sramecc+:xnack- gfx1100");
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

thread_local int current_device = 0;
thread_local int capture_mode = 0;

const void* place_of(int device) { return reinterpret_cast<const void*>(intptr_t{device}); }

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
  if (ends_a_capture(capture_mode)) return 901;
  *module = new Module{place_of(current_device), static_cast<const char*>(image)};
  return answer("hipModuleLoadData", std::string(static_cast<const char*>(image)) + " on " +
                                         std::to_string(current_device));
}
int hipModuleGetFunction(void** function, void* module, const char* name) {
  *function = module;
  return answer("hipModuleGetFunction", name);
}
int hipMemsetAsync(void* address, int byte, size_t count, void* stream) {
  std::ostringstream words;
  words << reinterpret_cast<intptr_t>(address) << " byte " << byte << " count " << count
        << " stream " << reinterpret_cast<intptr_t>(stream) << " on " << current_device;
  return answer("hipMemsetAsync", words.str());
}
#ifndef WITHOUT_LAUNCH
int hipModuleLaunchKernel(void* function, unsigned x, unsigned y, unsigned z, unsigned threads,
                          unsigned threads_y, unsigned threads_z, unsigned shared, void* stream,
                          void** parameters, void** extra) {
  const auto* module = static_cast<Module*>(function);
  // What HIP documents for a kernel whose parameters are one buffer, and what it refuses.
  if (parameters != nullptr || extra[0] != opparity::hip::kArgumentBuffer ||
      extra[2] != opparity::hip::kArgumentSize || extra[4] != opparity::hip::kArgumentsEnd) {
    return 1;
  }
  if (module->place != place_of(current_device)) return 400;
  if (static_cast<unsigned long long>(x) * threads > 0xFFFFFFFFull) return 9;
  std::ostringstream detail;
  detail << module->image << " on " << current_device << ' ' << x << 'x' << y << 'x' << z << " of "
         << threads << 'x' << threads_y << 'x' << threads_z << " shared " << shared << " stream "
         << reinterpret_cast<intptr_t>(stream) << " arguments "
         << hexadecimal(extra[1], *static_cast<size_t*>(extra[3]));
  return answer("hipModuleLaunchKernel", detail.str());
}
#endif
}
