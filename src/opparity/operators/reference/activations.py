"""The activations of docs/numerics.md and their slopes, step by step as there.

All functions are elementwise on float32 tensors; parameters are float32 tensors of one element.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from opparity.operators import numerics as constants
from opparity.operators.numerics import GATE_LIMIT, LOG2_E_HIGH, LOG2_E_LOW, SCALING
from opparity.operators.reference.numerics import (
    at_least,
    clamp,
    exponential,
    fused_multiply_add,
    polynomial,
    power_of_two,
    reciprocal,
)

if TYPE_CHECKING:
    from torch import Tensor


def silu(gate: Tensor) -> Tensor:
    """Return gate * sigmoid(gate)."""
    return swish(gate, torch.ones((), device=gate.device))


def silu_slope(gate: Tensor) -> Tensor:
    """Return the derivative of SiLU."""
    return swish_slope(gate, torch.ones((), device=gate.device))


def swish(x: Tensor, alpha: Tensor) -> Tensor:
    """Return x * sigmoid(alpha * x)."""
    z, scaled = _swish_parts(x, alpha)
    return _with_positive_part(z * scaled, reciprocal(scaled + SCALING), x)


def swish_slope(x: Tensor, alpha: Tensor) -> Tensor:
    """Return the derivative of x * sigmoid(alpha * x)."""
    z, scaled = _swish_parts(x, alpha)
    return _reflected(_slope_below(scaled, alpha * z), x)


def gelu_tanh(gate: Tensor) -> Tensor:
    """Return GELU by its approximation with tanh."""
    z, _, scaled = _gelu_tanh_parts(gate)
    return _with_positive_part(z * scaled, reciprocal(scaled + SCALING), gate)


def gelu_tanh_slope(gate: Tensor) -> Tensor:
    """Return the derivative of GELU's approximation with tanh."""
    z, square, scaled = _gelu_tanh_parts(gate)
    rate = fused_multiply_add(square, constants.SLOPE_CUBIC, constants.SLOPE_LINEAR)
    return _reflected(_slope_below(scaled, z * rate), gate)


def gelu(gate: Tensor) -> Tensor:
    """Return GELU by the error function."""
    z, scaled, top, bottom = _gelu_parts(gate)
    return _with_positive_part((z * scaled) * top, reciprocal(bottom * SCALING), gate)


def gelu_slope(gate: Tensor) -> Tensor:
    """Return the derivative of GELU by the error function."""
    z, scaled, top, bottom = _gelu_parts(gate)
    total = fused_multiply_add(z, constants.DENSITY, top * reciprocal(bottom))
    return _reflected((scaled * total) * SCALING**-1, gate)


def soft_limit(x: Tensor, bound: Tensor) -> Tensor:
    """Return bound * tanh(x / bound)."""
    y, _, top, bottom = _tangent_parts(x, bound)
    return (y * top) * reciprocal(bottom)


def soft_limit_slope(x: Tensor, bound: Tensor) -> Tensor:
    """Return the derivative of bound * tanh(x / bound)."""
    return _tangent_and_slope(x, bound)[1]


def situ(gate: Tensor, beta: Tensor) -> Tensor:
    """Return beta * tanh(gate / beta) * sigmoid(gate)."""
    scaled = exponential(at_least(-gate.abs(), GATE_LIMIT))
    y, _, top, bottom = _tangent_parts(gate, beta)
    weight = torch.where(gate < 0, scaled, SCALING)
    return ((y * top) * weight) * reciprocal((scaled + SCALING) * bottom)


def situ_slope(gate: Tensor, beta: Tensor) -> Tensor:
    """Return the derivative of beta * tanh(gate / beta) * sigmoid(gate)."""
    scaled = exponential(at_least(-gate.abs(), GATE_LIMIT))
    tangent, slope = _tangent_and_slope(gate, beta)
    inverse = reciprocal(scaled + SCALING)
    large, small = inverse * SCALING, scaled * inverse
    total = fused_multiply_add(beta * tangent, torch.where(gate < 0, large, small), slope)
    return torch.where(gate < 0, small, large) * total


def _swish_parts(x: Tensor, alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Return z and 2^64 * exp(alpha * z)."""
    high = alpha * LOG2_E_HIGH
    low = fused_multiply_add(alpha, LOG2_E_HIGH, -high)
    low = fused_multiply_add(alpha, LOG2_E_LOW, low)
    z = at_least(-x.abs(), GATE_LIMIT * reciprocal(alpha))
    return z, exponential(z, high, low)


def _gelu_tanh_parts(gate: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return z, its square and 2^64 * exp(w), with gelu(z) = z * sigmoid(w)."""
    z = at_least(-gate.abs(), constants.GELU_TANH_LIMIT)
    square = z * z
    rate = fused_multiply_add(square, constants.GELU_CUBIC, constants.GELU_LINEAR)
    shifted = fused_multiply_add(z, rate, constants.ROUNDING_SHIFT)
    exponent = shifted - constants.ROUNDING_SHIFT
    return z, square, power_of_two(shifted, fused_multiply_add(z, rate, -exponent))


def _gelu_parts(gate: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return z, 2^64 * exp(-z^2 / 2), and two polynomials whose quotient makes it the integral."""
    z = at_least(-gate.abs(), constants.GELU_LIMIT)
    square = z * z
    rest = fused_multiply_add(z, z, -square)
    shifted = fused_multiply_add(square, constants.GELU_SQUARE, constants.ROUNDING_SHIFT)
    exponent = shifted - constants.ROUNDING_SHIFT
    fraction = fused_multiply_add(square, constants.GELU_SQUARE, -exponent)
    fraction = fused_multiply_add(rest, constants.GELU_SQUARE, fraction)
    top = polynomial(constants.GELU_TOP, -z)
    return z, power_of_two(shifted, fraction), top, polynomial(constants.GELU_BOTTOM, -z)


def _tangent_parts(x: Tensor, bound: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return x within 9 bounds, that divided by the bound, and the polynomials of tanh(v) / v."""
    y = clamp(x, bound * constants.TANGENT_EDGE)
    v = y * reciprocal(bound)
    square = v * v
    top = polynomial(constants.TANGENT_TOP, square)
    return y, v, top, polynomial(constants.TANGENT_BOTTOM, square)


def _tangent_and_slope(x: Tensor, bound: Tensor) -> tuple[Tensor, Tensor]:
    _, v, top, bottom = _tangent_parts(x, bound)
    tangent = v * (top * reciprocal(bottom))
    return tangent, at_least(fused_multiply_add(-tangent, tangent, 1.0), 0.0)


def _with_positive_part(numerator: Tensor, inverse: Tensor, x: Tensor) -> Tensor:
    """Return numerator * inverse + max(x, -0)."""
    return fused_multiply_add(numerator, inverse, at_least(x, -0.0))


def _slope_below(scaled: Tensor, argument: Tensor) -> Tensor:
    """Return the derivative of x * sigmoid(argument) below zero."""
    inverse = reciprocal(scaled + SCALING)
    return (scaled * fused_multiply_add(argument, inverse * SCALING, 1.0)) * inverse


def _reflected(below: Tensor, x: Tensor) -> Tensor:
    """Return the slope of a function with f(-x) = f(x) - x from that below zero."""
    return torch.where(x < 0, below, 1.0 - below)
