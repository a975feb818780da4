#include "remap.h"

namespace little {
at::Tensor remap_cpu(const at::Tensor& input) { return input; }
}
