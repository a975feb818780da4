import torch

from demo import _C


def rotate(input, angle):
    return torch.ops.demo.rotate(input, angle)
