"""Which MLP a module of a model is, found by calling a small copy of it.

A class's name says nothing for sure: a model may divide, clip or add in between. So a copy with
small random weights is called, and its result compared with the formula.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_HIDDEN, _INNER, _TOKENS = 136, 144, 130
# As far as limits are looked for: a gate of some thousands.
_MAGNITUDES = (1.0, 30.0, 1000.0)
# Activations by the producer that computes them behind a product with up.
_ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "silu_and_mul": functional.silu,
    "gelu_tanh_and_mul": lambda gate: functional.gelu(gate, approximate="tanh"),
    "gelu_and_mul": functional.gelu,
}
_APART = ("gate_proj", "up_proj", "down_proj")
_TOGETHER = ("gate_up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class GatedMlp:
    """An MLP that is down(activation(gate) * up).

    Attributes:
        producer: the activation with its product.
        projections: the names of the linear modules, the last one down's.
    """

    producer: str
    projections: tuple[str, ...]


def mlp_of(module: nn.Module) -> GatedMlp | str | None:
    """Return what a module computes, why it is not known, or None for what looks like no MLP."""
    children = dict(module.named_children())
    names = next((n for n in (_APART, _TOGETHER) if all(name in children for name in n)), None)
    if names is None:
        return None
    others = [
        name
        for name, child in children.items()
        if name not in names and any(True for _ in child.parameters())
    ]
    if others or any(True for _ in module.parameters(recurse=False)):
        return f"it has parameters beside {', '.join(names)}"
    if any(isinstance(child, nn.Dropout) and child.p for child in module.modules()):
        return "it has dropout"
    if has_hooks(module):
        return "hooks are called around it"
    probe = _small_copy(module, names)
    fitting = dict(_ACTIVATIONS)
    for magnitude in _MAGNITUDES:
        input = torch.randn(_TOKENS, _HIDDEN, dtype=torch.float64) * magnitude
        # Where a number is NaN, so is what follows from it.
        input[-1, 0] = math.nan
        try:
            with torch.no_grad():
                found = probe(input)
        except Exception as error:  # noqa: BLE001 -- whatever a model's own code raises is a reason
            return f"a small copy of it could not be called: {type(error).__name__}: {error}"
        fitting = {
            producer: activation
            for producer, activation in fitting.items()
            if _same(found, _expected(probe, names, activation, input))
        }
    if fitting:
        return GatedMlp(next(iter(fitting)), names)
    return f"it is not down(activation(gate) * up) with one of {', '.join(_ACTIVATIONS)}"


def has_hooks(module: nn.Module) -> bool:
    """Return whether something is called around a module, and would be lost with it."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)  # noqa: SLF001
    return any(hooks) or hasattr(module, "_hf_hook")


def _small_copy(module: nn.Module, names: tuple[str, ...]) -> nn.Module:
    """Return a copy with small random float64 matrices in place of its linear modules."""
    probe = copy.copy(module)
    inner = 2 * _INNER if names == _TOGETHER else _INNER
    probe._modules = {}  # noqa: SLF001 -- the copy shares the module's own otherwise
    for name, child in module.named_children():
        if name in names:
            sizes = (_INNER, _HIDDEN) if name == names[-1] else (_HIDDEN, inner)
            probe.add_module(name, nn.Linear(*sizes, dtype=torch.float64))
        else:
            probe.add_module(name, copy.deepcopy(child))
    return probe.eval()


def _expected(
    probe: nn.Module, names: tuple[str, ...], activation: Callable[[Tensor], Tensor], input: Tensor
) -> Tensor:
    linears = [getattr(probe, name) for name in names]
    with torch.no_grad():
        if names == _TOGETHER:
            gate, up = linears[0](input).chunk(2, dim=-1)
        else:
            gate, up = linears[0](input), linears[1](input)
        found: Tensor = linears[-1](activation(gate) * up)
    return found


def _same(found: object, expected: Tensor) -> bool:
    return (
        isinstance(found, torch.Tensor)
        and found.shape == expected.shape
        and torch.allclose(found.double(), expected, rtol=1e-9, atol=1e-12, equal_nan=True)
    )
