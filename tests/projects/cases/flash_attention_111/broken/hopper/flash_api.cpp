#include <torch/library.h>

#include "flash.h"
#include "static_switch.h"

void run_mha_fwd(Flash_fwd_params& params, long stream) {
  ARCH_SWITCH(params.arch, Arch, [&] {
#ifndef FLASHATTENTION_DISABLE_HDIM64
    if (params.d <= 64) {
      return run_mha_fwd_<Arch, at::Half, 64>(params, stream);
    }
#endif
#ifndef FLASHATTENTION_DISABLE_HDIM128
    if (params.d <= 128) {
      return run_mha_fwd_<Arch, at::Half, 128>(params, stream);
    }
#endif
  });
}
