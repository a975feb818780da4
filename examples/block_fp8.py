"""An MLP in block FP8: a fused activation hands its codes and scales to the product of matrices.

The product is the best one where the weights are: scaled_mm on NVIDIA's sm_90, and elsewhere, as
on a CPU, that of the dequantised matrices (docs/which-matrix-product.md).
"""

from __future__ import annotations

import torch
from torch.nn import functional

import opparity
from opparity.nn import BlockFP8Linear

HIDDEN, INNER, TOKENS = 1024, 2816, 64

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.manual_seed(0)
gate, up = torch.randn(2, INNER, HIDDEN, dtype=torch.bfloat16) / HIDDEN**0.5
down = torch.randn(HIDDEN, INNER, dtype=torch.bfloat16) / INNER**0.5
hidden = torch.randn(TOKENS, HIDDEN, dtype=torch.bfloat16)

both = BlockFP8Linear.stack([BlockFP8Linear.from_weight(each) for each in (gate, up)]).to(device)
last = BlockFP8Linear.from_weight(down).to(device)

# What SwiGLU(both, last) computes, a step at a time.
gate_and_up = both(hidden.to(device))
middle = opparity.silu_and_mul(gate_and_up, last.activations)
found = last(middle).cpu()

wide = hidden.double()
exact = functional.silu(wide @ gate.double().T) * (wide @ up.double().T) @ down.double().T

print(f"activations: {list(middle.values.shape)} codes, {list(middle.scales.shape)} scales")
print(f"multiplied by {last.product.name}: {list(found.shape)} in {found.dtype}")
print(f"{(found - exact).norm() / exact.norm():.2f} from float64")
