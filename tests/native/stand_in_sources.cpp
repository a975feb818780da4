// Two sources in place of the library's own.
#include "native/gpu/embedded_sources.h"

namespace opparity {

std::span<const EmbeddedSource> embedded_sources() {
  static constexpr EmbeddedSource kSources[] = {{"first.h", "one"}, {"folder/second.h", "two"}};
  return kSources;
}

}  // namespace opparity
