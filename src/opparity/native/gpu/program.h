// A program of NVRTC or HIPRTC, whose functions have the same types.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "native/gpu/compiler.h"

namespace opparity {

struct ProgramFunctions {
  int (*version)(int* major, int* minor);
  const char* (*error_string)(int);
  int (*create)(void** program, const char* text, const char* name, int count,
                const char* const* headers, const char* const* header_names);
  int (*compile)(void* program, int count, const char* const* options);
  int (*log_size)(void* program, size_t* size);
  int (*log)(void* program, char* text);
  int (*destroy)(void** program);
};

// What is taken of a compiled program: machine code, or PTX.
struct ProgramResult {
  int (*size)(void* program, size_t* size);
  int (*read)(void* program, char* bytes);
};

// Opens `<prefix>Version` and the other functions that both compilers have.
ProgramFunctions find_program_functions(void* library, const std::string& prefix,
                                        const char* advice);

// "<name> 13.0".
std::string version_of(const ProgramFunctions& functions, const std::string& name);

// Compiles a variant of the embedded sources. Throws std::runtime_error with the first lines of the
// log where it does not compile; `compiler` and `architecture` are for that message.
std::vector<char> compile_program(const ProgramFunctions& functions, const ProgramResult& result,
                                  const KernelSource& source, std::vector<std::string> options,
                                  const std::string& compiler, const std::string& architecture);

}  // namespace opparity
