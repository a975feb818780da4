// native/hip_interface.h and the function types of native/hip_driver.cpp against HIP's headers.
#define __HIP_PLATFORM_AMD__
#include <hip/hip_runtime_api.h>

#include <cstddef>
#include <type_traits>

#include "native/hip_interface.h"

namespace hip = opparity::hip;

// hipGetDeviceProperties is a macro for the function that fills this record.
static_assert(
    std::is_same_v<decltype(&hipGetDevicePropertiesR0600), hipError_t (*)(hipDeviceProp_t*, int)>);
static_assert(offsetof(hipDeviceProp_t, gcnArchName) ==
              offsetof(hip::DeviceProperties, architecture));
static_assert(sizeof(hipDeviceProp_t::gcnArchName) == sizeof(hip::DeviceProperties::architecture));
static_assert(sizeof(hipDeviceProp_t) == offsetof(hip::DeviceProperties, room));
static_assert(sizeof(hipError_t) == sizeof(hip::Result) && hipSuccess == 0);
static_assert(sizeof(hipStreamCaptureMode) == sizeof(int) && hipStreamCaptureModeRelaxed == 2);
static_assert(sizeof(hipModule_t) == sizeof(void*) && sizeof(hipFunction_t) == sizeof(void*) &&
              sizeof(hipStream_t) == sizeof(void*));

static_assert(std::is_same_v<decltype(&hipInit), hipError_t (*)(unsigned)>);
static_assert(std::is_same_v<decltype(&hipGetErrorName), const char* (*)(hipError_t)>);
static_assert(std::is_same_v<decltype(&hipGetErrorString), const char* (*)(hipError_t)>);
static_assert(std::is_same_v<decltype(&hipGetDevice), hipError_t (*)(int*)>);
static_assert(std::is_same_v<decltype(&hipSetDevice), hipError_t (*)(int)>);
static_assert(std::is_same_v<decltype(&hipThreadExchangeStreamCaptureMode),
                             hipError_t (*)(hipStreamCaptureMode*)>);
static_assert(
    std::is_same_v<decltype(&hipModuleLoadData), hipError_t (*)(hipModule_t*, const void*)>);
static_assert(std::is_same_v<decltype(&hipModuleGetFunction),
                             hipError_t (*)(hipFunction_t*, hipModule_t, const char*)>);
static_assert(
    std::is_same_v<decltype(&hipModuleLaunchKernel),
                   hipError_t (*)(hipFunction_t, unsigned, unsigned, unsigned, unsigned, unsigned,
                                  unsigned, unsigned, hipStream_t, void**, void**)>);

int main() {
  const bool same = hip::kArgumentBuffer == HIP_LAUNCH_PARAM_BUFFER_POINTER &&
                    hip::kArgumentSize == HIP_LAUNCH_PARAM_BUFFER_SIZE &&
                    hip::kArgumentsEnd == HIP_LAUNCH_PARAM_END;
  return same ? 0 : 1;
}
