// What GPU sources include as <cstdint>: NVRTC has none, and HIPRTC's declares these names or does
// not, as other types, from version to version. So ours are other names.
#pragma once

#define int8_t opparity_int8_t
#define int16_t opparity_int16_t
#define int32_t opparity_int32_t
#define int64_t opparity_int64_t
#define uint8_t opparity_uint8_t
#define uint16_t opparity_uint16_t
#define uint32_t opparity_uint32_t
#define uint64_t opparity_uint64_t
#define uintptr_t opparity_uintptr_t

using int8_t = signed char;
using int16_t = short;
using int32_t = int;
using int64_t = long long;
using uint8_t = unsigned char;
using uint16_t = unsigned short;
using uint32_t = unsigned int;
using uint64_t = unsigned long long;
using uintptr_t = unsigned long long;
