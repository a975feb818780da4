import torch

ops = torch.ops


def sum_of(x):
    return ops.demo.sum_lines(x)


def flipped(x):
    demo = torch.ops.demo
    return demo.flip_lines(x)
