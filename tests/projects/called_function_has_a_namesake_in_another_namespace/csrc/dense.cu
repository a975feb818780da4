#include "launch.h"

namespace dense {
torch::Tensor launch(torch::Tensor query) { return query; }
}

extern "C" void synchronize_stream(int stream) {}
