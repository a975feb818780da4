// HIP's binary interface, so far as it is needed: no HIP header is there when the library is built.
// tests/native/test_hip_interface.py compares it with AMD's declarations.
#pragma once

#include <cstddef>
#include <cstdint>

namespace opparity::hip {

using Result = int;

// hipDeviceProp_t as hipGetDevicePropertiesR0600 fills it, of ROCm 6 and newer. The room behind it
// is for members that a newer ROCm may add.
struct DeviceProperties {
  char before[1160];
  char architecture[256];
  char after[56];
  char room[2624];
};

// What hipModuleLaunchKernel's last argument holds, where the kernel's parameters are one buffer.
inline void* const kArgumentBuffer = reinterpret_cast<void*>(1);
inline void* const kArgumentSize = reinterpret_cast<void*>(2);
inline void* const kArgumentsEnd = reinterpret_cast<void*>(3);

}  // namespace opparity::hip
