#include "flash.h"

extern "C" void fa2_fwd_causal(int params, int head_dim) {
#ifdef FA2_HAS_HDIM_128
  if (head_dim == 128) {
    attention::run_mha_fwd_<at::BFloat16, 128, true>(params);
  }
#endif
#ifdef FA2_HAS_HDIM_256
  if (head_dim == 256) {
    attention::run_mha_fwd_<at::BFloat16, 256, true>(params);
  }
#endif
}
