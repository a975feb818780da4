import torch

from demo.runtime.platforms import is_cuda

if is_cuda():
    from fused import silu_and_mul_quant
else:

    def silu_and_mul_quant(out, x, scale):
        out.copy_(x * scale)


class Linear:
    def apply(self, x, scale):
        out = torch.empty_like(x)
        silu_and_mul_quant(out, x, scale)
        return out
