// Loaded before all other libraries: what a process cannot have. WITHOUT lists "threads",
// "processes" and "files of /proc", as words separated by commas.
#include <dirent.h>
#include <dlfcn.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kCreates = 0100;

bool is_without(const char* what) {
  const char* given = std::getenv("WITHOUT");
  return given != nullptr && std::strstr(given, what) != nullptr;
}

bool is_hidden(const char* path) {
  if (std::strncmp(path, "/proc", 5) != 0 || !is_without("files of /proc")) return false;
  errno = ENOENT;
  return true;
}

template <typename Function>
Function* next(Function*, const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int pthread_create(void* thread, const void* attributes, void* (*start)(void*), void* argument) {
  static const auto original = next(&pthread_create, "pthread_create");
  return is_without("threads") ? EAGAIN : original(thread, attributes, start, argument);
}

int fork() {
  static const auto original = next(&fork, "fork");
  if (!is_without("processes")) return original();
  errno = EAGAIN;
  return -1;
}

DIR* opendir(const char* path) {
  static const auto original = next(&opendir, "opendir");
  return is_hidden(path) ? nullptr : original(path);
}

FILE* fopen(const char* path, const char* mode) {
  static const auto original = next(&fopen, "fopen");
  return is_hidden(path) ? nullptr : original(path, mode);
}

FILE* fopen64(const char* path, const char* mode) {
  static const auto original = next(&fopen64, "fopen64");
  return is_hidden(path) ? nullptr : original(path, mode);
}

#define OPEN(name)                                             \
  int name(const char* path, int flags, ...) {                 \
    static const auto original = next(&name, #name);           \
    std::va_list rest;                                         \
    va_start(rest, flags);                                     \
    const int mode = flags & kCreates ? va_arg(rest, int) : 0; \
    va_end(rest);                                              \
    return is_hidden(path) ? -1 : original(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
}
