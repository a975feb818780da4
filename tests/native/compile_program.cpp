// Compiles the embedded sources as the library would, without a GPU: "nvrtc" or "hiprtc", an
// architecture, a file for the code or "-", a name, then macros. Prints the compiler, or the
// refusal.
#include <cstdio>
#include <cstring>
#include <exception>
#include <vector>

#include "native/gpu/compiler.h"

int main(int count, char** words) {
  try {
    const bool hip = std::strcmp(words[1], "hiprtc") == 0;
    const opparity::RuntimeCompiler& compiler = hip ? opparity::hiprtc() : opparity::nvrtc();
    std::printf("%s, %s\n", compiler.version().c_str(), compiler.path().c_str());
    const std::vector<char> code =
        compiler.compile({words[4], {words + 5, words + count}}, words[2]);
    std::printf("%zu bytes\n", code.size());
    if (std::strcmp(words[3], "-") == 0) return 0;
    std::FILE* file = std::fopen(words[3], "wb");
    const bool written =
        file != nullptr && std::fwrite(code.data(), 1, code.size(), file) == code.size();
    return written && std::fclose(file) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::printf("refused: %s\n", error.what());
    return 1;
  }
}
