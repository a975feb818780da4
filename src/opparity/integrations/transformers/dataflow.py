"""Which norm of a layer is read by its MLP alone: seen in the source of the layer's forward."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def norm_before(layer: nn.Module, mlp: str) -> str | None:
    """Return the name of the norm whose result a layer hands to `mlp` and to nothing else.

    That is so where `x = self.norm(...)` is followed at once by `x = self.mlp(x)`: the second
    statement overwrites what the first one made.
    """
    try:
        source = textwrap.dedent(inspect.getsource(type(layer).forward))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return None
    found = []
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        for first, second in pairwise(body):
            norm, taken = _call(first), _call(second)
            if norm and taken and taken[1] == mlp and taken[2] == taken[0] == norm[0]:
                found.append(norm[1])
    calls = sum(
        isinstance(node, ast.Attribute) and node.attr == mlp and isinstance(node.ctx, ast.Load)
        for node in ast.walk(tree)
    )
    return found[0] if len(found) == calls == 1 else None


def _call(statement: ast.stmt) -> tuple[str, str, str] | None:
    """Return target, module and argument of `target = self.module(argument)`."""
    match statement:
        case ast.Assign(
            targets=[ast.Name(id=target)],
            value=ast.Call(
                func=ast.Attribute(value=ast.Name(id="self"), attr=module),
                args=[ast.Name(id=argument)],
                keywords=[],
            ),
        ):
            return target, module, argument
    return None
