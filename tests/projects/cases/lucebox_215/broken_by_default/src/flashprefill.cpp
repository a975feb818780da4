#include "flashprefill.h"

#ifdef HAVE_SM80_FLASHPREFILL
int flash_prefill_forward_bf16(const void* query, void* out) { return query == out; }
#endif
