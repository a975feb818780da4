#include "context.h"

namespace at {
namespace vendor {

at::Tensor empty(at::IntArrayRef size, const at::TensorOptions& options) { return {}; }
at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride) { return {}; }

}  // namespace vendor
}  // namespace at
