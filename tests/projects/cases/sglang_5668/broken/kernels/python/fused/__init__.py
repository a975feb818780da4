from fused import _C
from fused.silu import silu_and_mul_quant
