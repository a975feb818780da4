#include "../flash.h"

namespace attention {
template <>
void run_mha_fwd_<at::BFloat16, 128, true>(int params) {}
}  // namespace attention
