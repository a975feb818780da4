"""A norm and an MLP in int8: the same bytes on every machine, and how far from exact."""

from __future__ import annotations

import hashlib

import torch
from torch.nn import functional

from opparity.nn import Int8Linear, Int8SwiGLU, RMSNorm

HIDDEN, INNER, TOKENS = 1024, 2816, 64

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
drawn = torch.Generator().manual_seed(0)


def uniform(*shape: int) -> torch.Tensor:
    """Return numbers from -1 to 1, the same on every machine: drawn on the CPU, without a root."""
    return (2 * torch.rand(shape, generator=drawn) - 1).bfloat16()


gate, up = uniform(INNER, HIDDEN) / 16, uniform(INNER, HIDDEN) / 16
down = uniform(HIDDEN, INNER) / 32
hidden, residual = uniform(2, TOKENS, HIDDEN).to(device)

mlp = Int8SwiGLU(
    Int8Linear.stack([Int8Linear.from_weight(weight) for weight in (gate, up)]),
    Int8Linear.from_weight(down),
).to(device)
norm = RMSNorm(torch.ones(HIDDEN, dtype=torch.bfloat16), recipe="int8_token").to(device)

quantized, sums = norm(hidden, residual)
found = (sums + mlp(quantized)).cpu()

wide = sums.cpu().double()
normed = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + norm.epsilon)
middle = functional.silu(normed @ gate.double().T) * (normed @ up.double().T)
exact = wide + middle @ down.double().T

print(hashlib.sha256(found.view(torch.uint8).numpy().tobytes()).hexdigest())
print(f"{(found - exact).norm() / exact.norm():.4f} from float64")
