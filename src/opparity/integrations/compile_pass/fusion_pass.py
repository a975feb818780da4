"""FusionPass: rewrites a graph of Inductor's, and keeps what it found."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from packaging.version import Version
from torch._inductor.custom_graph_pass import CustomGraphPass, get_hash_for_files
from torch._inductor.virtualized import V
from torch.fx.node import map_arg

import opparity
from opparity.errors import ArgumentRefused
from opparity.integrations.compile_pass.comparison import MOST_CHANGED
from opparity.integrations.compile_pass.parts import parts_of
from opparity.integrations.compile_pass.recognition import Found, recognise

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch.fx import Graph, Node

    from opparity.integrations.compile_pass.parts import Part
    from opparity.integrations.compile_pass.recognition import Candidate

_LIST_OF_PASSES = Version("2.13")
sym_size = torch.ops.aten.sym_size.int


@dataclass(frozen=True, slots=True)
class Match:
    """What was found in a graph.

    Attributes:
        values: the name of the node that held the codes.
        what: the operator that took its place and what it changes, or None.
        reason: why nothing did.
    """

    values: str
    what: Found | None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.values}: {self.what or f'left, {self.reason}'}"


class FusionPass(CustomGraphPass):
    """Puts Opparity's operators in the place of what computes the same.

    Attributes:
        matches: of all graphs that were compiled, in order.
        changed_codes: as `install` takes it.
    """

    def __init__(self, changed_codes: float = 0.0) -> None:
        if not 0 <= changed_codes <= MOST_CHANGED:
            raise ArgumentRefused(
                operator="compile_pass.install",
                detail=f"changed_codes is {changed_codes}; it is the share of codes that may "
                f"change, from 0 (none, and no scale) to {MOST_CHANGED}",
            )
        opparity.load()
        self.changed_codes = changed_codes
        self.matches: list[Match] = []

    def __call__(self, graph: Graph) -> None:
        """Rewrite one graph."""
        matches: dict[Node, Match] = {}
        near: dict[Node, Match] = {}
        gone: set[Node] = set()
        for part in parts_of(graph):
            if part.values in gone:
                continue
            found = recognise(part)
            if isinstance(found, str):
                matches.setdefault(part.values, Match(part.values.name, None, found))
                continue
            if not found.change.is_within(self.changed_codes):
                near.setdefault(part.values, Match(part.values.name, None, str(found)))
                continue
            matches[part.values] = Match(part.values.name, found)
            gone.update(part.nodes)
            _replace(graph, part, found.candidate)
        if gone:
            graph.eliminate_dead_code()
            graph.lint()
        # An operator that is near says more than what no operator is.
        matches = {node: m if m.what else near.get(node, m) for node, m in (near | matches).items()}
        # What lies within a part that was replaced needs no word, nor do codes that get a shape.
        self.matches += [
            m
            for node, m in matches.items()
            if m.what or (node not in gone and not all(user in matches for user in node.users))
        ]

    def uuid(self) -> Any:  # noqa: ANN401 -- torch's own
        """Return what compiled code depends on: the pass's sources, the version and its setting."""
        sources = get_hash_for_files(
            tuple(str(p) for p in sorted(Path(__file__).parent.glob("*.py")))
        )
        settings = f"{opparity.__version__} {self.changed_codes}"
        return hashlib.sha256(sources + settings.encode()).hexdigest()


class _InTurn(CustomGraphPass):
    """Two passes where torch takes one: before 2.13."""

    def __init__(self, passes: tuple[Callable[[Graph], None], ...]) -> None:
        self.passes = passes

    def __call__(self, graph: Graph) -> None:
        for one in self.passes:
            one(graph)

    def uuid(self) -> Any:  # noqa: ANN401 -- torch's own
        """Return what both say, or None, which keeps compiled code out of caches."""
        found = [one.uuid() if isinstance(one, CustomGraphPass) else None for one in self.passes]
        return None if None in found else tuple(found)


def install(changed_codes: float = 0.0) -> FusionPass:
    """Append a pass to those that torch.compile's graphs go through; return it, for its matches.

    Args:
        changed_codes: the share of codes that may become others, up to 0.005. With zero, nothing is
            replaced unless each byte was the same in all trials.

    Raises:
        ArgumentRefused: the share is outside of that.
    """
    made = FusionPass(changed_codes)
    config: Any = torch._inductor.config  # noqa: SLF001 -- where torch documents the hook
    before = config.post_grad_custom_post_pass
    if before is None:
        config.post_grad_custom_post_pass = made
    elif _takes_several():
        several = before if isinstance(before, (list, tuple)) else [before]
        config.post_grad_custom_post_pass = [*several, made]
    else:
        config.post_grad_custom_post_pass = _InTurn((before, made))
    return made


def _takes_several() -> bool:
    return Version(torch.__version__) >= _LIST_OF_PASSES


def _replace(graph: Graph, part: Part, found: Candidate) -> None:
    """Compute a part's codes and scales by an operator, right behind the input."""
    input = part.input
    operator = getattr(torch.ops.opparity, found.operator).default
    leading = input.meta["val"].shape[:-1]
    with graph.inserting_before(input.next):
        sizes = [_size(graph, input, place) for place in range(len(leading) + 1)]
        tokens = input
        if len(leading) != 1:
            tokens = _call(graph, torch.ops.aten.reshape.default, input, [-1, sizes[-1]])
        both = _call(graph, operator, tokens, found.recipe, intermediate=found.intermediate)
        for place, node in enumerate((part.values, part.scales)):
            taken = _call(graph, getitem, both, place)
            if len(leading) != 1:
                shape = [*sizes[:-1], _size(graph, taken, 1)]
                taken = _call(graph, torch.ops.aten.reshape.default, taken, shape)
            if node.meta["val"].dim() > taken.meta["val"].dim():
                taken = _call(graph, torch.ops.aten.unsqueeze.default, taken, -1)
            node.replace_all_uses_with(taken)


def _size(graph: Graph, node: Node, dimension: int) -> int | Node:
    size = node.meta["val"].shape[dimension]
    return size if isinstance(size, int) else _call(graph, sym_size, node, dimension)


def _call(graph: Graph, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Node:  # noqa: ANN401
    """Add a call, with the tensor without contents that Inductor reads of each node."""
    node = graph.call_function(target, args, kwargs)
    given = map_arg((args, kwargs), lambda one: one.meta["val"])
    with V.fake_mode:
        node.meta["val"] = target(*given[0], **given[1])
    return node
