import torch

FUSED_OP = torch.ops._C.silu_and_mul_quant.default
