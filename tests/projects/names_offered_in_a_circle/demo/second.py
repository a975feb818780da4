import torch

from demo.first import normalize


def gelu_too(out, x):
    torch.ops._C.gelu_and_mul(out, x)
    normalize(out)
