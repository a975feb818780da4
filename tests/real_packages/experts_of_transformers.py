"""Compare what transformers' FP8Experts computes between its matrices with Opparity's producers.

Prints JSON: for each configuration the largest difference, or why experts of it are refused, and
the attributes that the class reads of itself there. Run with transformers: test_transformers.py.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from types import SimpleNamespace
from typing import Any

import torch
from transformers import __version__
from transformers.integrations.finegrained_fp8 import FP8Experts

import opparity
from opparity.integrations.transformers.experts import _activation

SIZES = {"hidden_size": 256, "num_experts": 2, "moe_intermediate_size": 256}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "silu": {"hidden_act": "silu"},
    "swish": {"hidden_act": "swish"},
    "gelu": {"hidden_act": "gelu"},
    "gelu by tanh": {"hidden_act": "gelu_pytorch_tanh"},
    "silu with a limit": {"hidden_act": "silu", "swiglu_limit": 7.0},
    "gpt-oss": {"hidden_act": "silu", "swiglu_alpha": 1.702, "swiglu_limit": 7.0},
    "inkling 2": {"hidden_act": "silu", "mlp_gate_softcap": 5.0, "mlp_up_softcap": 5.0},
}


def compared(configuration: dict[str, Any]) -> float | str:
    """Return the largest difference of a row's, of the largest result there, in float32."""
    experts = FP8Experts(SimpleNamespace(**SIZES, **configuration), (128, 128))
    try:
        producer, numbers = _activation(experts)
    except NotImplementedError as refused:
        return str(refused)
    torch.manual_seed(0)
    hidden = torch.randn(64, 512) * torch.logspace(-2, 2, 64)[:, None]
    own = experts._apply_gate(hidden)
    ours = getattr(opparity, producer)(hidden, **numbers)
    return float(((own - ours).abs().amax(-1) / own.abs().amax(-1)).max())


def read_of_itself() -> list[str]:
    """Return the attributes that the class reads between its matrices."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(FP8Experts._apply_gate)))
    return sorted(
        {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
        }
    )


def main() -> None:
    found = {name: compared(given) for name, given in CONFIGURATIONS.items()}
    said = {"version": __version__, "read": read_of_itself(), "found": found}
    sys.stdout.write(f"\nRESULT {json.dumps(said)}\n")


if __name__ == "__main__":
    main()
