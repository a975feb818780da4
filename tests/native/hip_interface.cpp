// native/gpu/hip_interface.h and the function types of native/gpu/{hip_driver,program}.cpp against
// HIP's own declarations, which test_hip_interface.py takes from AMD's bindings.
#include <cstddef>
#include <type_traits>

#include "hip_declarations.h"
#include "native/gpu/hip_interface.h"
#include "native/gpu/program.h"

namespace hip = opparity::hip;
using opparity::ProgramFunctions;
using opparity::ProgramResult;

static_assert(offsetof(hipDeviceProp_t, gcnArchName) ==
              offsetof(hip::DeviceProperties, architecture));
static_assert(sizeof(hipDeviceProp_t::gcnArchName) == sizeof(hip::DeviceProperties::architecture));
static_assert(sizeof(hipDeviceProp_t) == offsetof(hip::DeviceProperties, room));
static_assert(sizeof(hipError_t) == sizeof(hip::Result) && hipSuccess == 0);
static_assert(sizeof(hipStreamCaptureMode) == sizeof(int) && hipStreamCaptureModeRelaxed == 2);

template <typename Given, typename Expected>
constexpr bool kSame = std::is_same_v<Given, Expected>;

static_assert(kSame<decltype(&hipInit), hipError_t (*)(unsigned)>);
static_assert(kSame<decltype(&hipGetErrorName), const char* (*)(hipError_t)>);
static_assert(kSame<decltype(&hipGetErrorString), const char* (*)(hipError_t)>);
static_assert(kSame<decltype(&hipGetDeviceProperties), hipError_t (*)(hipDeviceProp_t*, int)>);
static_assert(kSame<decltype(&hipGetDevice), hipError_t (*)(int*)>);
static_assert(kSame<decltype(&hipSetDevice), hipError_t (*)(int)>);
static_assert(
    kSame<decltype(&hipThreadExchangeStreamCaptureMode), hipError_t (*)(hipStreamCaptureMode*)>);
static_assert(kSame<decltype(&hipModuleLoadData), hipError_t (*)(hipModule_t*, const void*)>);
static_assert(kSame<decltype(&hipModuleGetFunction),
                    hipError_t (*)(hipFunction_t*, hipModule_t, const char*)>);
static_assert(kSame<decltype(&hipMemsetAsync), hipError_t (*)(void*, int, size_t, hipStream_t)>);
static_assert(kSame<decltype(&hipModuleLaunchKernel),
                    hipError_t (*)(hipFunction_t, unsigned, unsigned, unsigned, unsigned, unsigned,
                                   unsigned, unsigned, hipStream_t, void**, void**)>);

// The same, with an int for a result and a pointer to nothing known for a program.
template <typename Ours, typename Theirs>
struct Matches : std::false_type {};
template <typename Ours, typename Theirs>
constexpr bool kFits =
    sizeof(Ours) == sizeof(Theirs) &&
    (kSame<Ours, Theirs> || (kSame<Ours, void*> && kSame<Theirs, hiprtcProgram>) ||
     (kSame<Ours, void**> && kSame<Theirs, hiprtcProgram*>) ||
     (kSame<Ours, int> && kSame<Theirs, hiprtcResult>));
template <typename Ours, typename... OurArguments, typename Theirs, typename... TheirArguments>
struct Matches<Ours (*)(OurArguments...), Theirs (*)(TheirArguments...)>
    : std::bool_constant<kFits<Ours, Theirs> && (kFits<OurArguments, TheirArguments> && ...)> {};

#define FITS(RECORD, MEMBER, FUNCTION) \
  static_assert(Matches<decltype(RECORD::MEMBER), decltype(&FUNCTION)>::value)
FITS(ProgramFunctions, version, hiprtcVersion);
FITS(ProgramFunctions, error_string, hiprtcGetErrorString);
FITS(ProgramFunctions, create, hiprtcCreateProgram);
FITS(ProgramFunctions, compile, hiprtcCompileProgram);
FITS(ProgramFunctions, log_size, hiprtcGetProgramLogSize);
FITS(ProgramFunctions, log, hiprtcGetProgramLog);
FITS(ProgramFunctions, destroy, hiprtcDestroyProgram);
FITS(ProgramResult, size, hiprtcGetCodeSize);
FITS(ProgramResult, read, hiprtcGetCode);

int main() {
  const bool same = reinterpret_cast<size_t>(hip::kArgumentBuffer) == kParameterBuffer &&
                    reinterpret_cast<size_t>(hip::kArgumentSize) == kParameterSize &&
                    reinterpret_cast<size_t>(hip::kArgumentsEnd) == kParameterEnd;
  return same ? 0 : 1;
}
