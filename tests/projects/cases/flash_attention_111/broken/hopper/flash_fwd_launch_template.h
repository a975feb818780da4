#pragma once
#include "flash.h"

template <int Arch, typename T, int kHeadDim>
void run_mha_fwd_(Flash_fwd_params& params, long stream) {
  params.d = kHeadDim;
}
