"""Which norm a module of a model is, found by calling a copy of it with random numbers."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from opparity.integrations.transformers.recognition import has_hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

_ROWS, _WIDTH = 130, 136
_PLACES = ("input_dtype", "float32")
# Of the numbers that are rounded as the module's are, most are the same; rounded elsewhere, some
# 20 to 40 % differ in bfloat16.
_SHARE = 0.98
# No `intermediate` rounds where models with a gate do: 73 % are the same, the others a step apart.
_SHARE_WITH_A_GATE = 0.6
# How far numbers may be apart: in float32 SiLU, which is computed otherwise, comes to the rest.
_STEPS, _STEPS_OF_SILU = 4, 16
# As far as limits are looked for, one magnitude for each of the rows'.
_GATES = (1.0, 30.0, 1000.0, 3.0)
_FLOATS = (torch.bfloat16, torch.float16, torch.float32)
_EPSILONS = ("variance_epsilon", "eps", "epsilon")
_FORMULA = "with the weight, or 1 + the weight, as its factor"


@dataclass(frozen=True, slots=True)
class Norm:
    """A module that is RMSNorm.

    Attributes:
        epsilon: its own.
        offset: what it adds to the weight.
        intermediate: where it rounds, in the words of opparity.Intermediate.
        gated: whether it is called with a gate, whose SiLU is a factor too.
    """

    epsilon: float
    offset: float
    intermediate: str
    gated: bool = False


def norm_of(module: nn.Module) -> Norm | str | None:
    """Return what a module computes, why it is not known, or None for what looks like no norm."""
    weight = getattr(module, "weight", None)
    epsilon = next((getattr(module, n) for n in _EPSILONS if hasattr(module, n)), None)
    if not isinstance(weight, nn.Parameter) or weight.dim() != 1 or not isinstance(epsilon, float):
        return None
    if "RMSNorm" not in type(module).__name__:
        return None
    objection = _objection(module, weight)
    if objection is not None:
        return objection
    gated = "gate" in inspect.signature(type(module).forward).parameters
    fitting = [Norm(epsilon, offset, place, gated) for offset in (0.0, 1.0) for place in _PLACES]
    if gated and weight.dtype != torch.float32:
        # The formula first, where no rounding hides another one.
        exact = _fitting(module, fitting, torch.float32)
        if isinstance(exact, str) or not exact:
            return exact if isinstance(exact, str) else _unknown(gated)
    shares = _fitting(module, fitting, weight.dtype)
    if isinstance(shares, str):
        return shares
    if shares and weight.dtype == torch.float32:
        # Where it rounds shows in a lower dtype alone, which autocast may give it.
        lower = _fitting(module, list(shares), torch.bfloat16)
        shares = lower if lower and not isinstance(lower, str) else shares
    return max(shares, key=shares.__getitem__) if shares else _unknown(gated)


def _unknown(gated: bool) -> str:
    return f"it is not RMSNorm {_FORMULA}" + (" and times silu(gate)" if gated else "")


def _objection(module: nn.Module, weight: nn.Parameter) -> str | None:
    if [parameter is weight for parameter in module.parameters()] != [True]:
        return "it has parameters beside its weight"
    if weight.dtype not in _FLOATS:
        return f"its weight is {weight.dtype}"
    return "hooks are called around it" if has_hooks(module) else None


def _fitting(module: nn.Module, norms: list[Norm], dtype: torch.dtype) -> dict[Norm, float] | str:
    """Return those norms that a copy of the module in a dtype agrees with, and how well."""
    probe = copy.copy(module)
    drawn = (torch.randn(_WIDTH) * 3).to(dtype)
    # The copy shares the module's own parameters otherwise.
    probe._parameters = {"weight": nn.Parameter(drawn, requires_grad=False)}  # noqa: SLF001
    shares = dict.fromkeys(norms, 0.0)
    rows = _rows_of_several_magnitudes(norms[0].epsilon, dtype)
    for input, magnitude in zip(rows, _GATES, strict=True):
        gates = [(torch.randn(input.shape) * magnitude).to(dtype)] if norms[0].gated else []
        try:
            with torch.no_grad():
                found = probe(input, *gates)
        except Exception as error:  # noqa: BLE001 -- whatever a model's own code raises is a reason
            return f"a small copy of it could not be called: {type(error).__name__}: {error}"
        for norm in list(shares):
            share = _agreement(norm, found, [input, *gates], drawn)
            if share is None:
                del shares[norm]
            else:
                shares[norm] += share
    return shares


def _rows_of_several_magnitudes(epsilon: float, dtype: torch.dtype) -> Iterator[Tensor]:
    """Yield rows whose mean square is far from epsilon, near it and below, and rows of one number.

    Such a number is the root of the width when it is normalised, beyond what a limit would leave.
    """
    for size in (1.0, epsilon**0.5, 0.1 * epsilon**0.5, 30.0):
        rows = torch.randn(_ROWS, _WIDTH) * size
        rows[-1] = 0.0
        rows[-1, 7] = 100.0 * size
        yield rows.to(dtype)


def _agreement(norm: Norm, found: object, given: list[Tensor], weight: Tensor) -> float | None:
    """Return the share of equal numbers, or None if a norm is another function."""
    from opparity import gated_rms_norm, rms_norm  # noqa: PLC0415 -- a model may be looked at alone

    function = cast("Callable[..., Tensor]", gated_rms_norm if norm.gated else rms_norm)
    expected = function(
        *given,
        weight,
        epsilon=norm.epsilon,
        offset=norm.offset,
        intermediate=norm.intermediate,
    )
    if not isinstance(found, torch.Tensor) or found.dtype != expected.dtype:
        return None
    rounded = norm.gated and found.dtype != torch.float32
    steps = _STEPS_OF_SILU if norm.gated and not rounded else _STEPS
    step = steps * torch.finfo(found.dtype).eps
    if not torch.allclose(found.float(), expected.float(), rtol=step, atol=step * 1e-3):
        return None
    equal = torch.isclose(found.float(), expected.float(), rtol=1e-6, atol=0.0)
    share = equal.float().mean().item()
    return share if share >= (_SHARE_WITH_A_GATE if rounded else _SHARE) else None
