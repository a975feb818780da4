"""Run a part of a graph on other numbers than the model's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.fx.node import map_arg

if TYPE_CHECKING:
    from torch import Tensor
    from torch.fx import Node

    from opparity.integrations.compile_pass.parts import Part

# How many numbers are drawn at most; a graph of static sizes runs at these.
_LARGEST = 1 << 26
# What symbolic sizes are taken for: the last dimension, and others one after another.
_WIDTH, _FIRST_SIZE = 2048, 3


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


def lies(node: Node, known: dict[Any, int], *, columns: bool = False) -> bool:
    """Return whether a tensor lies row by row without gaps, or column by column.

    Raises:
        CannotRun: a symbol in its sizes or strides is not known.
    """
    value = node.meta["val"]
    sizes = [_size(size, known) for size in value.shape]
    strides = [_size(stride, known) for stride in value.stride()]
    pairs = list(zip(sizes, strides, strict=True))
    expected = 1
    for size, stride in pairs if columns else reversed(pairs):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


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


def _value(node: Node, found: dict[Node, Any], known: dict[Any, int]) -> Any:  # noqa: ANN401 -- of a node
    if node.op == "placeholder":
        # Of tensors there is none: `objection` has refused it.
        return _size(node.meta["val"], known)
    assert callable(node.target)
    try:
        return node.target(*map_arg(node.args, found.get), **map_arg(node.kwargs, found.get))
    except Exception as error:  # whatever an operator of another library raises is a reason
        raise CannotRun(f"{node.target} failed: {type(error).__name__}: {error}") from error
