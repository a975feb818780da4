#include "flashprefill.h"

int forward(const void* query, void* out) {
#if defined(HAVE_FLASHPREFILL) || defined(HAVE_SM80_FLASHPREFILL)
  return flash_prefill_forward_bf16(query, out);
#else
  return 0;
#endif
}
