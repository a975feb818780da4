#include <torch/extension.h>

torch::Tensor missing(torch::Tensor input) { return input; }
