import torch

from demo.second import normalize


def gelu(out, x):
    torch.ops._C.gelu_and_mul(out, x)
    normalize(out)
