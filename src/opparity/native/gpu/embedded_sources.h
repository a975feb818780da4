// The sources of the GPU kernels, which the library carries; operators/embed_sources.py writes
// them.
#pragma once

#include <span>

namespace opparity {

struct EmbeddedSource {
  // As #include has it.
  const char* name;
  const char* text;
};

std::span<const EmbeddedSource> embedded_sources();

}  // namespace opparity
