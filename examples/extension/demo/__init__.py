import torch

from demo import _C  # noqa: F401 -- registers the operators


def silu_and_mul(out, input):
    torch.ops.demo.silu_and_mul(out, input)


def silu_and_mul_quant(out, scales, input):
    torch.ops.demo.silu_and_mul_quant(out, scales, input)
