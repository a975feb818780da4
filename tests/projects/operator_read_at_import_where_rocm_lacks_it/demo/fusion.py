import torch

GELU_OP = torch.ops._C.gelu_and_mul.default
FUSED_OP = torch.ops._C.silu_and_mul_quant.default
