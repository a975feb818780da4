import torch


def guarded(input):
    if torch.version.hip is not None:
        return torch.ops._C.fp4_mm(input)
    return input


def for_cuda_alone(input):
    if torch.version.hip is not None:
        return input
    return torch.ops._C.fp4_mm(input)
