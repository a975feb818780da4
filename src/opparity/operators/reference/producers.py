"""What each producer computes, by its name in the table: f and h of docs/numerics.md, section 6."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from opparity.operators.reference import activations
from opparity.operators.reference.numerics import at_least, at_most, clamp

Part = Callable[[Tensor, Sequence[Tensor]], Tensor]


@dataclass(frozen=True, slots=True)
class Formula:
    """A producer's parts and their derivatives, as functions of the input and the parameters.

    Attributes:
        gate: f, of the gate or the whole input.
        gate_slope: f'.
        up: h; None for the identity, and where the producer is not gated.
        up_slope: h'; None where `up` is.
    """

    gate: Part
    gate_slope: Part
    up: Part | None = None
    up_slope: Part | None = None


def _within(x: Tensor, limit: Tensor, slope: Tensor) -> Tensor:
    """Return the slope, and 0 where x is above the limit."""
    return torch.where(x > limit, 0.0, slope)


def _clamp_slope(up: Tensor, limit: Tensor) -> Tensor:
    return _within(up.abs(), limit, torch.ones_like(up))


FORMULAS: dict[str, Formula] = {
    "identity": Formula(
        gate=lambda x, _: x,
        gate_slope=lambda x, _: torch.ones_like(x),
    ),
    "silu_and_mul": Formula(
        gate=lambda gate, _: activations.silu(gate),
        gate_slope=lambda gate, _: activations.silu_slope(gate),
    ),
    "silu_and_mul_with_clamp": Formula(
        gate=lambda gate, p: activations.silu(at_most(gate, p[0])),
        gate_slope=lambda gate, p: _within(gate, p[0], activations.silu_slope(gate)),
        up=lambda up, p: clamp(up, p[0]),
        up_slope=lambda up, p: _clamp_slope(up, p[0]),
    ),
    "swigluoai_and_mul": Formula(
        gate=lambda gate, p: activations.swish(at_most(gate, p[1]), p[0]),
        gate_slope=lambda gate, p: _within(gate, p[1], activations.swish_slope(gate, p[0])),
        up=lambda up, p: clamp(up, p[1]) + p[2],
        up_slope=lambda up, p: _clamp_slope(up, p[1]),
    ),
    "situ_and_mul": Formula(
        gate=lambda gate, p: activations.situ(gate, p[0]),
        gate_slope=lambda gate, p: activations.situ_slope(gate, p[0]),
        up=lambda up, p: torch.where(p[1] > 0, activations.soft_limit(up, p[1]), up),
        up_slope=lambda up, p: torch.where(p[1] > 0, activations.soft_limit_slope(up, p[1]), 1.0),
    ),
    "swiglustep_and_mul": Formula(
        gate=lambda gate, p: at_most(activations.silu(gate), p[0]),
        gate_slope=lambda gate, p: _within(
            activations.silu(gate), p[0], activations.silu_slope(gate)
        ),
        up=lambda up, p: clamp(up, p[0]),
        up_slope=lambda up, p: _clamp_slope(up, p[0]),
    ),
    "gelu_and_mul": Formula(
        gate=lambda gate, _: activations.gelu(gate),
        gate_slope=lambda gate, _: activations.gelu_slope(gate),
    ),
    "gelu_tanh_and_mul": Formula(
        gate=lambda gate, _: activations.gelu_tanh(gate),
        gate_slope=lambda gate, _: activations.gelu_tanh_slope(gate),
    ),
    "relu_squared": Formula(
        gate=lambda x, _: at_least(x, -0.0) * at_least(x, -0.0),
        gate_slope=lambda x, _: at_least(x, -0.0) + at_least(x, -0.0),
    ),
    "gelu_quick": Formula(
        gate=lambda x, p: activations.swish(x, p[0]),
        gate_slope=lambda x, p: activations.swish_slope(x, p[0]),
    ),
}
