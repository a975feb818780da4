import torch

from demo import _C  # noqa: F401


@torch.library.register_fake("demo::turn")
def _(x):
    return torch.empty_like(x)
