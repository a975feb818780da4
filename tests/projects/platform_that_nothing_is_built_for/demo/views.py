import torch

import demo._C
from demo.platforms import current_platform

GELU = torch.ops._C.gelu_and_mul.default


def quantize(out, x, scale):
    torch.ops._C.silu_and_mul_quant(out, x, scale)


def quantize_where_it_is(out, x, scale):
    if not current_platform.is_cuda():
        return
    torch.ops._C.silu_and_mul_quant(out, x, scale)
