#include "flash.h"

extern "C" void fa2_fwd_causal(int params, int head_dim) {
  if (head_dim == 128) {
    attention::run_mha_fwd_<at::BFloat16, 128, true>(params);
  }
  if (head_dim == 256) {
    attention::run_mha_fwd_<at::BFloat16, 256, true>(params);
  }
}
