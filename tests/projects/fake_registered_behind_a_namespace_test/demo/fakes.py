import torch
from torch.library import register_fake

if hasattr(torch.ops, "_C"):

    @register_fake("_C::silu_and_mul_quant")
    def _silu_and_mul_quant_fake(out, input, scale):
        return None
