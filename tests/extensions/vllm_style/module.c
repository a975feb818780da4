// An empty Python module named _C: importing it loads the library, and that registers the
// operators. Python's own header is not on every machine that builds extensions for tests, so the
// part of its stable ABI (PEP 384) that is needed stands here.
#include <stddef.h>

struct module_definition {
  size_t reference_count;
  void *type;
  void *init;
  ptrdiff_t index;
  void *copy;
  const char *name;
  const char *documentation;
  ptrdiff_t size;
  void *methods, *slots, *traverse, *clear, *release;
};

void *PyModule_Create2(struct module_definition *, int);

static struct module_definition definition = {.reference_count = 1, .name = "_C", .size = -1};

// 3 is the version of the stable ABI.
__attribute__((visibility("default"))) void *PyInit__C(void) {
  return PyModule_Create2(&definition, 3);
}
