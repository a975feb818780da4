import torch

import demo.points_cpu as points_cpu

if torch.cuda.is_available():
    import demo.points_cuda as points_cuda


def sample(points, count):
    if points.is_cuda:
        return points_cuda.sample(points, count)
    return points_cpu.sample(points, count)


def nearest(points, others):
    if points.is_cuda:
        return points_cuda.nearest(points, others)
    return points_cpu.nearest(points, others)


def group(points, indices):
    if points.device.type == "cuda":
        return points_cuda.group(points, indices)
    return points_cpu.group(points, indices)
