import torch

from demo.platforms import current_platform

kStatic = "static"
kBlock = "block"

QUANT_OPS = {
    kStatic: torch.ops._C.gelu_and_mul.default,
}
if current_platform.is_cuda():
    QUANT_OPS[kBlock] = torch.ops._C.silu_and_mul_quant.default
