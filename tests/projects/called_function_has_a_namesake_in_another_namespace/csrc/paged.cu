#include "launch.h"

namespace paged {
torch::Tensor launch(torch::Tensor query) { return query; }
}
