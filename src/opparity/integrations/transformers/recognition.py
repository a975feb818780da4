"""What a module of a model computes, found by calling a small copy of it.

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
    from collections.abc import Callable, Iterator

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
_ROWS, _WIDTH = 130, 136
_PLACES = ("input_dtype", "float32")
# Of the numbers that are rounded as the module's are, most are the same; rounded elsewhere, some
# 20 to 40 % differ in bfloat16.
_SHARE = 0.98
_FLOATS = (torch.bfloat16, torch.float16, torch.float32)
_EPSILONS = ("variance_epsilon", "eps", "epsilon")


@dataclass(frozen=True, slots=True)
class GatedMlp:
    """An MLP that is down(activation(gate) * up).

    Attributes:
        producer: the activation with its product.
        projections: the names of the linear modules, the last one down's.
    """

    producer: str
    projections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Norm:
    """A module that is RMSNorm.

    Attributes:
        epsilon: its own.
        offset: what it adds to the weight.
        intermediate: where it rounds, in the words of opparity.Intermediate.
    """

    epsilon: float
    offset: float
    intermediate: str


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
    if _has_hooks(module):
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


def _has_hooks(module: nn.Module) -> bool:
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


def norm_of(module: nn.Module) -> Norm | str | None:
    """Return what a module computes, why it is not known, or None for what looks like no norm."""
    weight = getattr(module, "weight", None)
    epsilon = next((getattr(module, n) for n in _EPSILONS if hasattr(module, n)), None)
    if not isinstance(weight, nn.Parameter) or weight.dim() != 1 or not isinstance(epsilon, float):
        return None
    if "RMSNorm" not in type(module).__name__:
        return None
    objection = _objection_to_norm(module, weight)
    if objection is not None:
        return objection
    probe = copy.copy(module)
    drawn = (torch.randn(_WIDTH) * 3).to(weight.dtype)
    # The copy shares the module's own parameters otherwise.
    probe._parameters = {"weight": nn.Parameter(drawn, requires_grad=False)}  # noqa: SLF001
    fitting = [Norm(epsilon, offset, place) for offset in (0.0, 1.0) for place in _PLACES]
    shares = dict.fromkeys(fitting, 0.0)
    for input in _rows_of_several_magnitudes(epsilon, weight.dtype):
        try:
            with torch.no_grad():
                found = probe(input)
        except Exception as error:  # noqa: BLE001 -- whatever a model's own code raises is a reason
            return f"a small copy of it could not be called: {type(error).__name__}: {error}"
        for norm in list(shares):
            share = _agreement(norm, found, input, drawn)
            if share is None:
                del shares[norm]
            else:
                shares[norm] += share
    if not shares:
        return "it is not RMSNorm with the weight, or 1 + the weight, as its factor"
    return max(shares, key=shares.__getitem__)


def _objection_to_norm(module: nn.Module, weight: nn.Parameter) -> str | None:
    if [parameter is weight for parameter in module.parameters()] != [True]:
        return "it has parameters beside its weight"
    if weight.dtype not in _FLOATS:
        return f"its weight is {weight.dtype}"
    return "hooks are called around it" if _has_hooks(module) else None


def _rows_of_several_magnitudes(epsilon: float, dtype: torch.dtype) -> Iterator[Tensor]:
    """Yield rows whose mean square is far from epsilon, near it and below, and rows of one number.

    Such a number is the root of the width when it is normalised, beyond what a limit would leave.
    """
    for size in (1.0, epsilon**0.5, 0.1 * epsilon**0.5, 30.0):
        rows = torch.randn(_ROWS, _WIDTH) * size
        rows[-1] = 0.0
        rows[-1, 7] = 100.0 * size
        yield rows.to(dtype)


def _agreement(norm: Norm, found: object, input: Tensor, weight: Tensor) -> float | None:
    """Return the share of equal numbers, or None if a norm is another function."""
    from opparity import rms_norm  # noqa: PLC0415 -- a model may be looked at without the library

    expected = rms_norm(
        input,
        weight,
        epsilon=norm.epsilon,
        offset=norm.offset,
        intermediate=norm.intermediate,
    )
    if not isinstance(found, torch.Tensor) or found.dtype != expected.dtype:
        return None
    step = 4 * torch.finfo(found.dtype).eps
    if not torch.allclose(found.float(), expected.float(), rtol=step, atol=step * 1e-3):
        return None
    equal = torch.isclose(found.float(), expected.float(), rtol=1e-6, atol=0.0)
    share = equal.float().mean().item()
    return share if share >= _SHARE else None
