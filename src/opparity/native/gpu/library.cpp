#include "native/gpu/library.h"

#include <link.h>

namespace opparity {

void* open_library(const char* what, const std::vector<std::string>& names) {
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
  throw std::runtime_error(tried);
}

std::string folder_of_loaded(const char* name) {
  void* library = dlopen(name, RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return "";
  link_map* map = nullptr;
  const bool known = dlinfo(library, RTLD_DI_LINKMAP, &map) == 0;
  const std::string path = known ? map->l_name : "";
  dlclose(library);
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string file_of(const void* function) {
  Dl_info facts{};
  return dladdr(function, &facts) != 0 && facts.dli_fname != nullptr ? facts.dli_fname : "";
}

}  // namespace opparity
