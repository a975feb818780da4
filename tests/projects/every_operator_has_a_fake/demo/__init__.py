import torch

from demo import _C  # noqa: F401


def fake(x):
    return torch.empty_like(x)


torch.library.register_fake("demo::turn", fake)
torch.library.register_fake("demo::shift", fake)
torch.library.register_fake("demo::fold", fake)
