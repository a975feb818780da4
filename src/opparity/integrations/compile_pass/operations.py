"""Operations whose effect a trial can tell, and operators that write to their arguments."""

from __future__ import annotations

from operator import getitem
from typing import TYPE_CHECKING

import torch
from torch._ops import OpOverload

from opparity.operators import OPERATORS
from opparity.operators.declaration import Direction

if TYPE_CHECKING:
    from torch.fx import Node

# Operations of single numbers and of groups; and those that take numbers apart or put a shape on
# them.
_PLAIN = frozenset(
    (  # noqa: SIM905 -- words are read more easily than a list of a line each
        "__lshift__ __rshift__ abs add amax amin bitwise_and bitwise_left_shift bitwise_not "
        "bitwise_or bitwise_right_shift bitwise_xor ceil clamp clamp_max clamp_min "
        "convert_element_type div eq erf exp exp2 floor ge gelu gt isfinite isinf isnan le log "
        "log2 logical_and logical_not logical_or lt max maximum min minimum mul ne neg pow "
        "reciprocal relu round rsqrt scalar_tensor sigmoid sign silu sqrt square sub tanh trunc "
        "where"
    ).split()
)
_SHAPES = frozenset(
    (  # noqa: SIM905 -- words are read more easily than a list of a line each
        "_to_copy alias clone empty empty_strided expand full getitem permute reshape slice split "
        "split_with_sizes squeeze sym_size unflatten unsqueeze view"
    ).split()
)
# Activations and quantisations of rows by the names that vLLM, SGLang and this package have for
# them, wherever they are registered. A trial says what they compute; that they treat all rows
# alike, which no trial sees, is known of these names alone.
_OPERATORS = frozenset(
    each.name for each in OPERATORS if each.direction is Direction.FORWARD and each.experts is None
)
_WRAPPERS = (
    torch.ops.higher_order.auto_functionalized,
    torch.ops.higher_order.auto_functionalized_v2,
)


def operator_of(node: Node) -> OpOverload | None:
    """Return the activation or quantisation that a node calls, also one that writes, or None.

    torch wraps an operator that writes to its arguments into `auto_functionalized`, of which there
    are two forms: it calls the operator with copies and returns them.
    """
    called = node.args[0] if node.target in _WRAPPERS else node.target
    if not isinstance(called, OpOverload) or called.namespace in ("aten", "prims"):
        return None
    return called if _name(called) in _OPERATORS else None


def is_written(node: Node) -> bool:
    """Return whether a node is memory after an operator wrote to it."""
    return node.target is getitem and operator_of(node.args[0]) is not None  # type: ignore[arg-type] # a node


def is_size(node: Node) -> bool:
    """Return whether a node is a size and no tensor."""
    return isinstance(node.meta.get("val"), (int, torch.SymInt))


def objection_to(node: Node) -> str | None:
    """Return why a trial cannot tell what a node does, or None.

    A trial has other sizes than the graph, so what depends on a place or a size is not seen in it.
    """
    if node.op != "call_function" or is_size(node) or operator_of(node) is not None:
        return None
    if node.target in _WRAPPERS:
        return f"{node.args[0]} is no activation or quantisation that is known by its name"
    name = _name(node.target)
    foreign = isinstance(node.target, OpOverload) and node.target.namespace not in ("aten", "prims")
    if foreign or (name not in _PLAIN and name not in _SHAPES):
        return f"{node.target if foreign else name} is no operation of single numbers or groups"
    fills = name == "full" and not isinstance(node.args[1], (bool, int, float))
    if fills or (name in _PLAIN and any(is_size(each) for each in node.all_input_nodes)):
        return f"{name} computes with a size"
    return None


def computes(node: Node) -> bool:
    """Return whether a node makes new numbers."""
    return operator_of(node) is not None or (
        node.op == "call_function" and not is_size(node) and _name(node.target) in _PLAIN
    )


def _name(target: object) -> str:
    return str(getattr(target, "__name__", target)).partition(".")[0]
