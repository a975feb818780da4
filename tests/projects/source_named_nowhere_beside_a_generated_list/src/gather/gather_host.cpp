#include "gather.h"

namespace little {
at::Tensor gather_host(const at::Tensor& input) { return input; }
}
