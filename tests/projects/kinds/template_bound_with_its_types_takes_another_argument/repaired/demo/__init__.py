import torch

from demo import _C


def scale(x):
    if x.dtype == torch.float32:
        return _C.scale_float(x, 2.0)
    return _C.scale_half(x, 2.0)


def joined(*parts):
    return _C.joined(parts[0], parts[1], parts[2])
