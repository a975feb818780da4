#include <torch/script.h>

torch::Tensor farthest(torch::Tensor points, torch::Tensor centres) { return points + centres; }
torch::Tensor sorted_points(torch::Tensor points) { return points; }
