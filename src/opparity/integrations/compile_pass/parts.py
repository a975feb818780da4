"""Parts of a graph between one tensor and the codes and scales that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from opparity.integrations.compile_pass.operations import (
    computes,
    is_size,
    is_written,
    objection_to,
    operator_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch.fx import Graph, Node

CODES = (torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.int8)
_INPUTS = (torch.bfloat16, torch.float16, torch.float32)


@dataclass(frozen=True, slots=True)
class Part:
    """What lies between an input and quantised values.

    Attributes:
        input: the tensor that all of it follows from.
        values: the codes.
        scales: the tensor that is used beside them, smaller by the size of a group.
        nodes: in the graph's order, the input not among them.
    """

    input: Node
    values: Node
    scales: Node
    nodes: tuple[Node, ...]


def parts_of(graph: Graph) -> list[Part]:
    """Return what may be a fused operator, the last codes first, and for each the longest part."""
    order = {node: place for place, node in enumerate(graph.nodes)}
    constant = _constants(graph)
    found = []
    for values in reversed(graph.nodes):
        if not _is_tensor(values) or values.meta["val"].dtype not in CODES or not values.users:
            continue
        for input in _dominators(values, constant, order):
            before = _between(input, (values,), order)
            found += [
                Part(input, values, scales, _between(input, (values, scales), order))
                for scales in _scales_of(values, before, {input, *constant}, order)
            ]
    return found


def objection(part: Part) -> str | None:
    """Return why a part is left without a trial, or None."""
    for node in part.nodes:
        if node.op != "call_function" and not is_size(node):
            return f"{node.name} is an input of its own"
    if part.input.meta["val"].stride(-1) != 1:
        return "its input's last dimension has a stride"
    if not _same_sizes(part.input, part.values):
        return "its codes have other tokens than its input"
    inside = {*part.nodes}
    for node in part.nodes:
        reason = objection_to(node)
        if reason is not None:
            return reason
        if node in (part.values, part.scales) or not is_written(node):
            continue
        if any(user not in inside for user in node.users):
            return f"{node.name}, which an operator writes, is read elsewhere too"
    called = [node for node in part.nodes if computes(node)]
    if len(called) == 1 and (whole := operator_of(called[0])) is not None:
        return f"{whole} is one operator already"
    return None


def _same_sizes(input: Node, values: Node) -> bool:
    first, second = (node.meta["val"].shape[:-1] for node in (input, values))
    return [*map(str, first)] == [*map(str, second)]


def _is_tensor(node: Node) -> bool:
    return isinstance(node.meta.get("val"), torch.Tensor)


def _constants(graph: Graph) -> set[Node]:
    """Return the nodes that follow from no tensor: fillings, and memory that is written later."""
    found: set[Node] = set()
    for node in graph.nodes:
        if node.op == "call_function" and all(
            before in found or is_size(before) for before in node.all_input_nodes
        ):
            found.add(node)
    return found


def _dominators(values: Node, constant: set[Node], order: dict[Node, int]) -> list[Node]:
    """Return the tensors that every number of the values follows from, the earliest first.

    Going backwards in the graph's order, a node is one if nothing else is waiting when its turn
    comes: all paths have met in it. Sizes and constants do not count.
    """
    waiting, found = {values}, []
    while waiting:
        node = max(waiting, key=order.__getitem__)
        waiting.discard(node)
        if not waiting and node is not values and _may_be_input(node):
            found.append(node)
        waiting |= {n for n in node.all_input_nodes if n not in constant and not is_size(n)}
    return found[::-1]


def _may_be_input(node: Node) -> bool:
    if not _is_tensor(node):
        return False
    value = node.meta["val"]
    return value.dtype in _INPUTS and value.dim() >= 2  # noqa: PLR2004


def _between(input: Node, ends: Iterable[Node], order: dict[Node, int]) -> tuple[Node, ...]:
    """Return what has to be run to come from the input to some nodes."""
    needed = {*ends}
    waiting = [*needed]
    while waiting:
        for before in waiting.pop().all_input_nodes:
            if before is not input and before not in needed:
                needed.add(before)
                waiting.append(before)
    return tuple(sorted(needed, key=order.__getitem__))


def _scales_of(
    values: Node, before: Sequence[Node], known: set[Node], order: dict[Node, int]
) -> list[Node]:
    """Return the nodes with a number for each group that are used outside of a part.

    Most are on the way to the codes. Others follow from what is on that way: a second result of the
    operator that writes the codes, or the inverse of what they were multiplied with.
    """
    inside = {*before}
    reached = known.union(before) - {values}
    later: list[Node] = []
    waiting = [user for node in before if node is not values for user in node.users]
    while waiting:
        node = min(waiting, key=order.__getitem__)
        waiting.remove(node)
        follows = all(each in reached or is_size(each) for each in node.all_input_nodes)
        if node in reached or node.op != "call_function" or not follows or objection_to(node):
            continue
        reached.add(node)
        later.append(node)
        waiting += node.users
    used = [node for node in before if any(user not in inside for user in node.users)]
    return [node for node in (*used, *later) if _may_be_scales(node, values)]


def _may_be_scales(node: Node, values: Node) -> bool:
    """Return whether a node has a number for each group."""
    if not _is_tensor(node) or node is values:
        return False
    scales, codes = node.meta["val"], values.meta["val"]
    # A dimension of one that was kept may follow.
    kept = scales.dim() == codes.dim() + 1 and str(scales.shape[-1]) == "1"
    if scales.dtype != torch.float32 or not (kept or scales.dim() == codes.dim()):
        return False
    return str(scales.shape[codes.dim() - 1]) != str(codes.shape[-1])
