// Compiles variants as the library would, without a GPU: "nvrtc" or "hiprtc", an architecture, and
// a folder for the code. A line of the input is a name, then macros, separated by tabs. Prints the
// compiler, then the seconds that each takes, or the refusal.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "native/gpu/compiler.h"

namespace {

opparity::KernelSource read(const std::string& line) {
  opparity::KernelSource source;
  std::istringstream words(line);
  std::getline(words, source.name, '\t');
  for (std::string define; std::getline(words, define, '\t');) source.defines.push_back(define);
  return source;
}

void write(const std::string& path, const std::vector<char>& code) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr || std::fwrite(code.data(), 1, code.size(), file) != code.size() ||
      std::fclose(file) != 0) {
    throw std::runtime_error(path + " cannot be written");
  }
}

}  // namespace

int main(int, char** words) {
  try {
    const bool hip = std::strcmp(words[1], "hiprtc") == 0;
    const opparity::RuntimeCompiler& compiler = hip ? opparity::hiprtc() : opparity::nvrtc();
    std::printf("%s, %s\n", compiler.version().c_str(), compiler.path().c_str());
    int number = 0;
    for (std::string line; std::getline(std::cin, line); ++number) {
      const auto start = std::chrono::steady_clock::now();
      const std::vector<char> code = compiler.compile(read(line), words[2]);
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      std::printf("%.3f\n", taken.count());
      write(std::string(words[3]) + "/" + std::to_string(number), code);
    }
  } catch (const std::exception& error) {
    std::printf("refused: %s\n", error.what());
    return 1;
  }
}
