#include <torch/script.h>

torch::Tensor nearest(torch::Tensor points, torch::Tensor centres);
torch::Tensor farthest(torch::Tensor points, torch::Tensor centres);
torch::Tensor sorted_points(torch::Tensor points);

static auto registry = torch::RegisterOperators()
                           .op("demo::nearest", &nearest)
                           .op("demo::farthest", &farthest)
                           .op(torch::RegisterOperators::options()
                                   .schema("demo::sorted_points(Tensor points) -> Tensor")
                                   .kernel<decltype(sorted_points), &sorted_points>(
                                       torch::DispatchKey::CUDA));
