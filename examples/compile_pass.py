"""Compile a model that quantises in torch's own operations, and see Opparity's operator in it.

The pass knows no spelling: it runs the part of the graph that makes codes and scales, and looks for
the operator that computes the same (docs/compile.md). On a CPU, torch.compile needs a C++ compiler.
"""

from __future__ import annotations

import os

# A graph from the cache of an earlier run went through the pass then, and is not told again.
os.environ["TORCHINDUCTOR_FX_GRAPH_CACHE"] = os.environ["TORCHINDUCTOR_AUTOGRAD_CACHE"] = "0"

import torch
from torch import Tensor
from torch.nn import functional

from opparity.integrations.compile_pass import install

TOKENS, INNER, GROUP, LARGEST = 64, 1024, 128, 448.0


def activation_and_quantisation(hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Return codes in FP8 and scales by groups, as a model without kernels of its own does."""
    gate, up = hidden.float().chunk(2, dim=-1)
    groups = (functional.silu(gate) * up).unflatten(-1, (-1, GROUP))
    scales = (groups.abs().amax(-1) / LARGEST).clamp_min(1e-10)
    codes = (groups / scales[..., None]).clamp(-LARGEST, LARGEST)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


torch.manual_seed(0)
hidden = torch.randn(TOKENS, 2 * INNER, dtype=torch.bfloat16)

# The model divides by the scale, where Opparity multiplies by its reciprocal: some codes differ.
found = install(changed_codes=0.005)
values, scales = torch.compile(activation_and_quantisation)(hidden)
# Behind the colon stands how many codes and scales change.
print(*(str(match.what).partition(":")[0] for match in found.matches), sep="\n")

eager_values, eager_scales = activation_and_quantisation(hidden)
moved = (values.view(torch.uint8) != eager_values.view(torch.uint8)).sum().item()
print(f"codes that changed: fewer than one in a thousand: {moved < values.numel() / 1000}")
print(f"scales within 2^-14: {torch.allclose(scales, eager_scales, rtol=2.0**-14, atol=0.0)}")
