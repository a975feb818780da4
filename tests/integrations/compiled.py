"""Compile a function with the pass, and compare what it gives with the plain function."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from opparity.integrations.compile_pass import FusionPass, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor
    from torch.fx import Graph

    Pair = tuple[Tensor, Tensor]

CONFIG, AUTOGRAD = torch._inductor.config, torch._functorch.config


@contextmanager
def installed_pass(changed_codes: float = 0.0, **settings: bool) -> Iterator[FusionPass]:
    """Give the pass, installed, with no graph from an earlier compilation."""
    before = CONFIG.post_grad_custom_post_pass
    torch._dynamo.reset()
    # A graph that is taken from a cache goes through no pass.
    with (
        CONFIG.patch({"fx_graph_cache": False, **settings}),
        AUTOGRAD.patch(enable_autograd_cache=False),
    ):
        yield install(changed_codes)
    CONFIG.post_grad_custom_post_pass = before
    torch._dynamo.reset()


def targets_behind(made: FusionPass) -> list[str]:
    """Return a list that gets the names of what each graph calls, behind the pass."""
    called: list[str] = []

    def look(graph: Graph) -> None:
        called.extend(str(node.target) for node in graph.nodes if node.op == "call_function")

    CONFIG.post_grad_custom_post_pass = [made, look]
    return called


def same_bytes(found: Pair, expected: Pair) -> bool:
    """Return whether codes and scales are the same, byte for byte."""
    codes = torch.equal(found[0].view(torch.uint8), expected[0].view(torch.uint8))
    return codes and torch.equal(found[1], expected[1])


def compiled(function: Callable[..., Pair], *inputs: Tensor, dynamic: bool = False) -> Pair:
    """Return what a function gives when it is compiled as one graph."""
    both: Pair = torch.compile(function, dynamic=dynamic, fullgraph=True)(*inputs)
    return both
