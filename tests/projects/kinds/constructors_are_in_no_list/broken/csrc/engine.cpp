#include "engine.h"

namespace demo {

Engine::Engine(int width, bool is_wide) : width_(is_wide ? 2 * width : width) {}

Shared::Shared(int width, int height) { count = width * height; }

Owned::Owned() { count = 1; }

Braced::Braced(int width) { count = width; }

}  // namespace demo
