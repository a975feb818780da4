#include "launch.h"

namespace generated {
torch::Tensor choose(torch::Tensor query) { return launch(query); }
}

namespace dense {
torch::Tensor attention(torch::Tensor query) { return launch(query); }
}

namespace narrow {
using namespace banded;
torch::Tensor attention(torch::Tensor query) { return launch(query); }
}

torch::Tensor attention(torch::Tensor query, bool is_paged) {
  portable::synchronize_stream(0);
  return is_paged ? paged::launch(pack(query)) : dense::attention(query);
}
