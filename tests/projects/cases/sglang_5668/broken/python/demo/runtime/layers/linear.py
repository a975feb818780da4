import torch

from fused import silu_and_mul_quant


class Linear:
    def apply(self, x, scale):
        out = torch.empty_like(x)
        silu_and_mul_quant(out, x, scale)
        return out
