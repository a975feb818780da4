#pragma once

#include <torch/all.h>

namespace dense {
torch::Tensor launch(torch::Tensor query);
}

namespace paged {
torch::Tensor launch(torch::Tensor query);
}

namespace banded {
torch::Tensor launch(torch::Tensor query);
}

namespace generated {
torch::Tensor launch(torch::Tensor query);
torch::Tensor choose(torch::Tensor query);
}

torch::Tensor pack(torch::Tensor query);

namespace portable {
extern "C" void synchronize_stream(int stream);
}
