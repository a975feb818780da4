// A stand-in for libcuda.so.1 that prints every call, and fails where an environment variable
// named after the function says with which error.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>

namespace {

std::mutex mutex;

int answer(const char* name, const std::string& detail) {
  const std::lock_guard lock(mutex);
  std::printf("%s %s\n", name, detail.c_str());
  std::fflush(stdout);
  const char* failure = std::getenv(name);
  return failure == nullptr ? 0 : std::atoi(failure);
}

thread_local void* current_context = nullptr;
thread_local int capture_mode = 0;
void* const kContexts[] = {reinterpret_cast<void*>(0x100), reinterpret_cast<void*>(0x200)};

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
  return answer("cuCtxPushCurrent_v2", context == kContexts[0] ? "first" : "second");
}
int cuCtxPopCurrent_v2(void** context) {
  *context = current_context;
  current_context = nullptr;
  return answer("cuCtxPopCurrent_v2", "");
}
int cuThreadExchangeStreamCaptureMode(int* mode) {
  const int old = capture_mode;
  capture_mode = *mode;
  *mode = old;
  return answer("cuThreadExchangeStreamCaptureMode", std::to_string(capture_mode));
}
int cuModuleLoadData(void** module, const void* data) {
  *module = reinterpret_cast<void*>(0x300);
  return answer("cuModuleLoadData", std::string(static_cast<const char*>(data), 4));
}
int cuModuleGetFunction(void** function, void*, const char* name) {
  *function = reinterpret_cast<void*>(0x400);
  return answer("cuModuleGetFunction", name);
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  const char* major = std::getenv("CAPABILITY_MAJOR");
  *value = attribute == 16   ? 132
           : attribute == 39 ? 2048
           : attribute == 75 ? (major == nullptr ? 9 : std::atoi(major))
                             : -1;
  return answer("cuDeviceGetAttribute", std::to_string(attribute));
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
int cuLaunchKernelEx(const Configuration* c, void*, void** parameters, void**) {
  std::string words = std::to_string(c->grid[0]) + "x" + std::to_string(c->grid[1]) + "x" +
                      std::to_string(c->grid[2]) + " of " + std::to_string(c->block[0]) +
                      " shared " + std::to_string(c->shared) + " stream " +
                      std::to_string(reinterpret_cast<long>(c->stream)) + " argument " +
                      std::to_string(*static_cast<int*>(parameters[0]));
  for (unsigned i = 0; i < c->count; ++i) {
    words += " attribute " + std::to_string(c->attributes[i].id) + "=" +
             std::to_string(c->attributes[i].value);
  }
  return answer("cuLaunchKernelEx", words);
}
#endif
}
