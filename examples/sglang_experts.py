"""Have SGLang call Opparity for the rows of its experts, and compare the bytes with a plain call.

SGLang finds the plugin by itself (docs/sglang.md). Where SGLang is not installed, this runs with
the small package of its names that Opparity's tests use, and says so; that one has no kernels.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import torch

import opparity

INSTALLED = find_spec("sglang") is not None
if not INSTALLED:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests/integrations/stand_ins"))
os.environ["OPPARITY_SGLANG"] = "masked"

from sglang.srt.plugins import load_plugins

load_plugins()

from sglang.kernels.ops.moe import dsv4
from sglang.version import __version__

from opparity.integrations.sglang import calls

EXPERTS, TOKENS, INNER, GROUP = 4, 16, 512, 128

torch.manual_seed(0)
hidden = torch.randn(EXPERTS, TOKENS, 2 * INNER, dtype=torch.bfloat16)
counts = torch.tensor([5, 0, 16, 2], dtype=torch.int32)
values = torch.zeros(EXPERTS, TOKENS, INNER, dtype=torch.float8_e4m3fn)
scales = torch.zeros(EXPERTS, TOKENS, INNER // GROUP)

# SGLang's own name: what its layers of experts call.
dsv4.silu_and_mul_masked_post_quant(hidden, values, scales, GROUP, counts)

same = True
for expert, count in enumerate(counts.tolist()):
    exact = opparity.silu_and_mul(hidden[expert, :count], "fp8_block")
    found = values[expert, :count].view(torch.uint8)
    same &= torch.equal(found, exact.values.view(torch.uint8))
    same &= torch.equal(scales[expert, :count], exact.scales)

print(f"SGLang {__version__}{'' if INSTALLED else ', its stand-in: the package is not installed'}")
print(f"calls of Opparity's functions: {calls()}")
print(f"rows written: {int((scales != 0).any(-1).sum())} of {EXPERTS * TOKENS}")
print(f"the bytes of opparity.silu_and_mul: {same}")
