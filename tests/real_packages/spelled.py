"""Compile functions with Opparity's pass, and say for each what was found and what changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch

from opparity.integrations.compile_pass import install

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    Pair = tuple[Tensor, Tensor]


def print_results(
    spellings: Mapping[str, Callable[[Tensor], Pair]],
    input: Tensor,
    changed_codes: float = 0.0,
    word: str = "RESULT",
) -> None:
    """Print a line of JSON: matches of each spelling, the share of other codes, other scales."""
    torch._inductor.config.fx_graph_cache = False
    torch._functorch.config.enable_autograd_cache = False
    torch._inductor.config.post_grad_custom_post_pass = None
    installed = install(changed_codes)
    results = {}
    for name, function in spellings.items():
        installed.matches.clear()
        torch._dynamo.reset()
        with torch.no_grad():
            values, scales = torch.compile(function, dynamic=False)(input)
            plain, plain_scales = function(input)
        results[name] = {
            "matches": [str(match) for match in installed.matches],
            "codes": (values.view(torch.uint8) != plain.view(torch.uint8)).float().mean().item(),
            "scales": int((scales != plain_scales).sum()),
        }
    print(f"{word} {json.dumps(results)}")  # noqa: T201 -- the test reads it
