"""Parts of a graph between one tensor and the codes and scales that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.fx.node import map_arg

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import Graph, Node

# Operations of single numbers and of groups; and those that take numbers apart or put a shape on
# them.
_PLAIN = frozenset(
    (  # noqa: SIM905 -- words are read more easily than a list of a line each
        "abs add amax bitwise_and ceil clamp clamp_max clamp_min convert_element_type div erf exp "
        "exp2 floor gelu log log2 max maximum min minimum mul neg pow reciprocal relu round rsqrt "
        "sigmoid silu sqrt square sub tanh"
    ).split()
)
_SHAPES = frozenset(
    (  # noqa: SIM905 -- words are read more easily than a list of a line each
        "_to_copy alias clone expand full getitem reshape slice split split_with_sizes squeeze "
        "sym_size unflatten unsqueeze view"
    ).split()
)
CODES = (torch.float8_e4m3fn, torch.float8_e4m3fnuz, torch.float8_e5m2, torch.int8)
_INPUTS = (torch.bfloat16, torch.float16, torch.float32)
# How many numbers are drawn at most; a graph of static sizes runs at these.
_LARGEST = 1 << 26
# What symbolic sizes are taken for: the last dimension, and others one after another.
_WIDTH, _FIRST_SIZE = 2048, 3


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
    found = []
    for values in reversed(graph.nodes):
        if not _is_tensor(values) or values.meta["val"].dtype not in CODES or not values.users:
            continue
        cone = _cone(values)
        for input in _dominators(values, cone, order):
            nodes = _between(input, values, cone, order)
            inside = {*nodes}
            found += [
                Part(input, values, scales, nodes)
                for scales in nodes
                if _may_be_scales(scales, values, inside)
            ]
    return found


def _is_tensor(node: Node) -> bool:
    return isinstance(node.meta.get("val"), torch.Tensor)


def _cone(node: Node) -> set[Node]:
    """Return a node and all that it follows from."""
    seen, waiting = {node}, [node]
    while waiting:
        for before in waiting.pop().all_input_nodes:
            if before not in seen:
                seen.add(before)
                waiting.append(before)
    return seen


def _dominators(values: Node, cone: set[Node], order: dict[Node, int]) -> list[Node]:
    """Return the tensors that every number of the values follows from, the earliest first.

    Going backwards in the graph's order, a node is one if nothing else is waiting when its turn
    comes: all paths have met in it. Sizes are no numbers, and do not count.
    """
    waiting, found = {values}, []
    for node in sorted(cone, key=order.__getitem__, reverse=True):
        if node not in waiting:
            continue
        waiting.discard(node)
        if not waiting and node is not values and _may_be_input(node):
            found.append(node)
        waiting |= {n for n in node.all_input_nodes if not _is_size(n) and not _is_empty(n)}
    return found[::-1]


def _may_be_input(node: Node) -> bool:
    if not _is_tensor(node):
        return False
    value = node.meta["val"]
    return value.dtype in _INPUTS and value.dim() >= 2  # noqa: PLR2004


def _is_size(node: Node) -> bool:
    return isinstance(node.meta.get("val"), (int, torch.SymInt))


def _is_empty(node: Node) -> bool:
    """Return whether a node is memory that is written to later."""
    return node.target in (torch.ops.aten.empty.memory_format, torch.ops.aten.empty_strided.default)


def _between(
    input: Node, values: Node, cone: set[Node], order: dict[Node, int]
) -> tuple[Node, ...]:
    """Return what has to be run to come from the input to the values."""
    needed, waiting = {values}, [values]
    while waiting:
        for before in waiting.pop().all_input_nodes:
            if before is not input and before not in needed:
                needed.add(before)
                waiting.append(before)
    assert needed <= cone
    return tuple(sorted(needed, key=order.__getitem__))


def _may_be_scales(node: Node, values: Node, inside: set[Node]) -> bool:
    """Return whether a node has a number for each group and is used outside of the part."""
    if not _is_tensor(node) or node is values:
        return False
    scales, codes = node.meta["val"], values.meta["val"]
    # A dimension of one that was kept may follow.
    kept = scales.dim() == codes.dim() + 1 and scales.shape[-1] == 1
    if scales.dtype != torch.float32 or not (kept or scales.dim() == codes.dim()):
        return False
    return any(user not in inside for user in node.users)


class CannotRun(Exception):
    """A part cannot be tried."""


def sizes_to_try(part: Part) -> tuple[list[int], dict[Any, int]]:
    """Return the input's sizes for a trial, and what each symbol is taken for.

    Raises:
        CannotRun: the graph's own sizes are too large.
    """
    shape = part.input.meta["val"].shape
    known: dict[Any, int] = {}
    for place, size in enumerate(shape):
        last = place == len(shape) - 1
        for symbol in _symbols(size):
            known[symbol] = _WIDTH if last else known.get(symbol, _FIRST_SIZE + len(known))
    sizes = [_size(size, known) for size in shape]
    if torch.Size(sizes).numel() > _LARGEST:
        raise CannotRun(f"its input has {torch.Size(sizes).numel():,} numbers")
    return sizes, known


def _symbols(size: int | torch.SymInt) -> list[Any]:
    return [] if isinstance(size, int) else sorted(size.node.expr.free_symbols, key=str)


def _size(size: int | torch.SymInt, known: dict[Any, int]) -> int:
    """Return a size, computed where it has symbols.

    Raises:
        CannotRun: a symbol in it is not known.
    """
    if isinstance(size, int):
        return size
    expression = size.node.expr.subs(known)
    if not expression.is_Integer:
        raise CannotRun(f"the size {size} does not follow from the input's")
    return int(expression)


def run(part: Part, input: Tensor, known: dict[Any, int]) -> tuple[Tensor, Tensor]:
    """Return the codes and scales that a part's nodes make of an input, of as many dimensions.

    Raises:
        CannotRun: a node reads what the input does not decide, or fails.
    """
    found: dict[Node, Any] = {part.input: input}
    for node in part.nodes:
        found[node] = _value(node, found, known)
    values, scales = found[part.values], found[part.scales]
    return values, scales if scales.dim() == values.dim() else scales.squeeze(-1)


def objection(part: Part) -> str | None:
    """Return why a trial cannot tell what a part does, or None.

    A trial has other sizes than the graph, so what depends on a place or a size is not seen in it.
    """
    if part.input.meta["val"].stride(-1) != 1:
        return "its input's last dimension has a stride"
    for node in part.nodes:
        if node.op != "call_function" or _is_size(node) or _is_empty(node):
            continue
        name = getattr(node.target, "__name__", str(node.target)).partition(".")[0]
        if name not in _PLAIN and name not in _SHAPES:
            return f"{name} is no operation of single numbers or groups"
        if name in _PLAIN and any(_is_size(each) for each in node.all_input_nodes):
            return f"{name} computes with a size"
    return None


def _value(node: Node, found: dict[Node, Any], known: dict[Any, int]) -> Any:  # noqa: ANN401 -- of a node
    value = node.meta.get("val")
    if isinstance(value, torch.SymInt) and node.op == "placeholder":
        return _size(value, known)
    if node.op != "call_function":
        raise CannotRun(f"{node.name} is an input of its own")
    assert callable(node.target)
    try:
        return node.target(*map_arg(node.args, found.get), **map_arg(node.kwargs, found.get))
    except Exception as error:  # whatever an operator of another library raises is a reason
        raise CannotRun(f"{node.target} failed: {type(error).__name__}: {error}") from error
