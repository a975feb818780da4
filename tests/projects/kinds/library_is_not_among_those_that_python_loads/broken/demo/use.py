import torch


def run(x):
    return torch.ops.demo.join(torch.ops.demo.find(torch.ops.demo.pool(x)))
