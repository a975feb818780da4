#include "../nms.h"

namespace demo {
namespace {
Tensor nms_kernel(const Tensor& boxes, const Tensor& scores, double threshold) {
  return checked(threshold) > 0 ? boxes : scores;
}
}

STABLE_TORCH_LIBRARY_IMPL(demo, CUDA, m) { m.impl("nms", TORCH_BOX(&nms_kernel)); }
}
