import torch

from demo.platforms import current_platform

if hasattr(torch.ops._C, "silu_and_mul_quant"):
    FUSED_OP = torch.ops._C.silu_and_mul_quant.default

supported = current_platform.is_cuda() and hasattr(torch.ops._C, "silu_and_mul_quant")
if supported:
    OTHER_OP = torch.ops._C.silu_and_mul_quant.default

try:
    THIRD_OP = torch.ops._C.silu_and_mul_quant.default
except AttributeError:
    THIRD_OP = None
