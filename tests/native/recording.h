// What the stand-ins for drivers and compilers share: they print each call, and fail where an
// environment variable named after the function says with which error.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

inline int answer(const char* name, const std::string& detail) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::printf("%s %s\n", name, detail.c_str());
  std::fflush(stdout);
  const char* failure = std::getenv(name);
  return failure == nullptr ? 0 : std::atoi(failure);
}

inline std::vector<std::string> words_of(const char* variable, const char* otherwise) {
  const char* given = std::getenv(variable);
  std::istringstream text(given == nullptr ? otherwise : given);
  std::vector<std::string> words;
  for (std::string word; text >> word;) words.push_back(word);
  return words;
}

// A module of a stand-in driver. Its image is read when it is launched, as HIP's runtime does.
struct Module {
  const void* place;
  const char* image;
};

// In a capture of the global kind, which is the default, what is unsafe ends it.
inline bool ends_a_capture(int capture_mode) {
  return std::getenv("STAND_IN_CAPTURES") != nullptr && capture_mode != 2;
}
