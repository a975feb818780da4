#pragma once

struct Flash_fwd_params {
  int arch;
  int d;
};

template <int Arch, typename T, int kHeadDim>
void run_mha_fwd_(Flash_fwd_params& params, long stream);
