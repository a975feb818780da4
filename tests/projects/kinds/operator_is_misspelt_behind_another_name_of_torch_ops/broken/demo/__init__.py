import torch as T
from torch import ops

from demo import _C  # noqa: F401
from demo import more

__all__ = ["more"]


def scale(x):
    return ops.demo.scale_lines(x)


def fold(x):
    return T.ops.demo.fold_lines(x)
