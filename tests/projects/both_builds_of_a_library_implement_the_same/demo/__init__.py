import torch


def neighbors(positions):
    return torch.ops.demo.neighbors(positions), torch.ops.demo.distances(positions)
