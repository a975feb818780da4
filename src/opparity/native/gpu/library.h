// Finding shared libraries, and functions in them, when they are needed.
#pragma once

#include <dlfcn.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace opparity {

// Opens the first library that loads. A name without a folder may be that of one that is loaded
// already, which is taken before all others. Throws std::runtime_error, "<what> does not load: ",
// each name with what the loader says of it, and the advice.
void* open_library(const char* what, const std::vector<std::string>& names, const char* advice);

// The path of a library that is loaded already, whose file's name begins so; "" where there is
// none.
std::string path_of_loaded(const std::string& beginning);

// "" for a path without one, otherwise with its slash.
std::string folder_of(const std::string& path);

// The file that a function is in.
std::string file_of(const void* function);

template <typename Function>
void find_symbol(void* library, const char* name, const char* advice, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) {
    throw std::runtime_error(std::string("there is no ") + name + ": " + advice);
  }
}

}  // namespace opparity
