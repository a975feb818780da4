#include "ops.h"

#define DEFINE_ENTRY(NAME)      \
  Entry& NAME() {                \
    static Entry entry;          \
    return entry;                \
  }                              \
  static Entry& NAME##_registered = NAME()

DEFINE_ENTRY(shift_entry).inputs(1);

DEFINE_ENTRY(scale_entry)
    .inputs(2);
