import torch

from . import _C

RUN = _C.right_shift
