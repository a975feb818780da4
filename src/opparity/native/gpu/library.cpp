#include "native/gpu/library.h"

#include <link.h>

namespace opparity {

void* open_library(const char* what, const std::vector<std::string>& names, const char* advice) {
  for (const std::string& name : names) {
    void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (library != nullptr) return library;
  }
  std::string tried = std::string(what) + " does not load";
  const char* mark = ": ";
  for (const std::string& name : names) {
    void* library = dlopen(name.c_str(), RTLD_NOW);
    if (library != nullptr) return library;
    tried += mark;
    tried += dlerror();
    mark = "; ";
  }
  throw std::runtime_error(tried + ". " + advice);
}

std::string path_of_loaded(const std::string& beginning) {
  struct Search {
    const std::string& beginning;
    std::string found;
  } search{beginning, ""};
  dl_iterate_phdr(
      [](dl_phdr_info* library, size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        const std::string path = library->dlpi_name;
        if (!path.substr(folder_of(path).size()).starts_with(wanted.beginning)) return 0;
        wanted.found = path;
        return 1;
      },
      &search);
  return search.found;
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

std::string file_of(const void* function) {
  Dl_info facts{};
  return dladdr(function, &facts) != 0 && facts.dli_fname != nullptr ? facts.dli_fname : "";
}

}  // namespace opparity
