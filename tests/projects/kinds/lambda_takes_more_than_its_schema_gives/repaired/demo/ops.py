import torch

from demo import _C


def run(input):
    return torch.ops.demo.scale(input, 2.0)
