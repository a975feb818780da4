#include <torch/library.h>

#define REGISTER_LIBRARY TORCH_LIBRARY
#define REGISTER_IMPLEMENTATION(name, key, library) TORCH_LIBRARY_IMPL(name, key, library)

#include "registrations.hpp"
