import torch

if torch.version.cuda is not None:
    from fused import silu_and_mul_quant
elif torch.version.hip is not None:
    from demo.slow import silu_and_mul_quant


class Linear:
    def apply(self, x, scale):
        out = torch.empty_like(x)
        silu_and_mul_quant(out, x, scale)
        return out
