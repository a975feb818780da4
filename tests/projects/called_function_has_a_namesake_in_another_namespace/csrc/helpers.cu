#include <torch/all.h>

static torch::Tensor pack(torch::Tensor query) { return query; }

namespace {
torch::Tensor launch(torch::Tensor query) { return query; }
}

torch::Tensor helped(torch::Tensor query) { return launch(pack(query)); }
