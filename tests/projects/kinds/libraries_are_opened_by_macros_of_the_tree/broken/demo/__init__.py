import torch

from demo import _C


def run(x):
    x = torch.ops.demo.fold(x)
    x = torch.ops.demo.norm(x)
    x = torch.ops.demo.turn(x)
    x = torch.ops.demo_stable.scale(x)
    return _C.shift(x)
