#include <torch/extension.h>

#include <memory>

#include "engine.h"

int count(int width) {
  demo::Engine engine(width, true);
  demo::Engine copied(engine);
  return copied.count();
}

int count_on_heap(int width) {
  demo::Engine* engine = new demo::Engine(width, false);
  int found = engine->count();
  delete engine;
  return found;
}

int count_shared(int width) {
  auto shared = std::make_shared<demo::Shared>(width, 3);
  auto owned = std::make_unique<::demo::Owned>();
  return shared->count + owned->count;
}

int count_braced(int width) {
  auto braced = demo::Braced{3};
  return width * braced.count;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("count", &count);
  m.def("count_on_heap", &count_on_heap);
  m.def("count_shared", &count_shared);
  m.def("count_braced", &count_braced);
}
