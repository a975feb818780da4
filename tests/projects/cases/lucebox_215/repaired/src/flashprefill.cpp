#include "flashprefill.h"

#if defined(HAVE_FLASHPREFILL) || defined(HAVE_SM80_FLASHPREFILL)
int flash_prefill_forward_bf16(const void* query, void* out) { return query == out; }
#endif
