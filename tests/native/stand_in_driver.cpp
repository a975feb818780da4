// A stand-in for libcuda.so.1 (recording.h).
#include <cstdint>
#include <cstring>

#include "recording.h"

namespace {

thread_local void* current_context = nullptr;
thread_local int capture_mode = 0;
void* const kContexts[] = {reinterpret_cast<void*>(0x100), reinterpret_cast<void*>(0x200)};

std::string name_of(const void* context) { return context == kContexts[0] ? "first" : "second"; }

}  // namespace

extern "C" {

int cuInit(unsigned) { return answer("cuInit", ""); }
int cuGetErrorString(int error, const char** text) {
  *text = error == 209 ? "no kernel image is available for execution on the device"
                       : "some other error";
  return 0;
}
int cuDeviceGet(int* device, int ordinal) {
  *device = ordinal;
  return answer("cuDeviceGet", std::to_string(ordinal));
}
int cuDevicePrimaryCtxRetain(void** context, int device) {
  *context = kContexts[device];
  return answer("cuDevicePrimaryCtxRetain", std::to_string(device));
}
int cuCtxGetCurrent(void** context) {
  *context = current_context;
  return 0;
}
int cuCtxPushCurrent_v2(void* context) {
  current_context = context;
  return answer("cuCtxPushCurrent_v2", name_of(context));
}
int cuCtxPopCurrent_v2(void** context) {
  *context = current_context;
  current_context = nullptr;
  return answer("cuCtxPopCurrent_v2", "");
}
int cuThreadExchangeStreamCaptureMode(int* mode) {
  std::swap(*mode, capture_mode);
  return answer("cuThreadExchangeStreamCaptureMode", std::to_string(capture_mode));
}
int cuModuleLoadData(void** module, const void* data) {
  if (ends_a_capture(capture_mode)) return 900;
  *module = new Module{current_context, static_cast<const char*>(data)};
  return answer("cuModuleLoadData",
                std::string(static_cast<const char*>(data)) + " in " + name_of(current_context));
}
int cuModuleGetFunction(void** function, void* module, const char* name) {
  *function = module;
  return answer("cuModuleGetFunction", name);
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  // Of the chip, as 9.0.
  const std::string capability = words_of("CAPABILITY", "9.0").front();
  const size_t point = capability.find('.');
  *value = attribute == 16   ? 132
           : attribute == 36 ? 3201000
           : attribute == 37 ? 6144
           : attribute == 39 ? 2048
           : attribute == 75 ? std::stoi(capability)
           : attribute == 76 ? std::stoi(capability.substr(point + 1))
                             : -1;
  return answer("cuDeviceGetAttribute", std::to_string(attribute));
}
int cuMemsetD8Async(unsigned long long address, unsigned char byte, size_t count, void* stream) {
  std::ostringstream words;
  words << address << " byte " << int{byte} << " count " << count << " stream "
        << reinterpret_cast<intptr_t>(stream) << " in " << name_of(current_context);
  return answer("cuMemsetD8Async", words.str());
}
#ifndef WITHOUT_LAUNCH
// Laid out as CUDA's documentation says.
struct Attribute {
  int id, padding, value, rest[15];
};
struct Configuration {
  unsigned grid[3], block[3], shared;
  void* stream;
  const Attribute* attributes;
  unsigned count;
};
int cuLaunchKernelEx(const Configuration* c, void* function, void** parameters, void**) {
  const auto* module = static_cast<Module*>(function);
  if (module->place != current_context) return 400;
  std::ostringstream words;
  words << module->image << ' ' << c->grid[0] << 'x' << c->grid[1] << 'x' << c->grid[2] << " of "
        << c->block[0] << 'x' << c->block[1] << 'x' << c->block[2] << " shared " << c->shared
        << " stream " << reinterpret_cast<intptr_t>(c->stream) << " argument "
        << *static_cast<int*>(parameters[0]);
  for (unsigned i = 0; i < c->count; ++i) {
    words << " attribute " << c->attributes[i].id << '=' << c->attributes[i].value;
  }
  return answer("cuLaunchKernelEx", words.str());
}
#endif
}
