import torch

if torch.cuda.is_available():
    import demo.points_cuda as points_cuda


@torch.library.custom_op("demo::sample", mutates_args=())
def sample(points: torch.Tensor) -> torch.Tensor:
    return points_cuda.sample(points, 4)


@sample.register_fake
def _(points):
    return points[:4]


def backward(context, gradient):
    return gradient


sample.register_autograd(backward)
