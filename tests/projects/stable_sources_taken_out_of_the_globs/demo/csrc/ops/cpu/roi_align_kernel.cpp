#include <torch/library.h>

namespace demo {
namespace {
at::Tensor roi_align_kernel(const at::Tensor& input, const at::Tensor& rois) { return input; }
}

TORCH_LIBRARY_IMPL(demo, CPU, m) { m.impl("roi_align", roi_align_kernel); }
}
