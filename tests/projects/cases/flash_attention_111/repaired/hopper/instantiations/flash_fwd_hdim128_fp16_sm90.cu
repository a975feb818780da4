#include <torch/library.h>

#include "../flash_fwd_launch_template.h"

#ifndef FLASHATTENTION_DISABLE_HDIM128
template void run_mha_fwd_<90, at::Half, 128>(Flash_fwd_params& params, long stream);
#endif
