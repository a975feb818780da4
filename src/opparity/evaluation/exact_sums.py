"""What lies between the quantised products, with the same bits on every machine.

Numbers become whole multiples of a step, of so few bits that float64 holds their products and the
sums of these; such sums are exact, and so the same in whatever order a library adds them. The rest
are single operations of IEEE 754, and powers from a table.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from opparity.errors import EvaluationRefused

# Of whole numbers that float64 holds.
_MOST_BITS = 53
# Activations are multiples of this, of 22 bits: up to 1,024 in magnitude.
_STEP = 2.0**-12
_BITS = 22
# Weights of 20 bits, the step chosen by the largest of them.
_WEIGHT_BITS = 20
# A softmax's exponents are multiples of 1/1024, and its powers of 2**-20.
_SCORES = 1024.0
_POWER_BITS = 20
_POWERS = 1 << 14
_TEXTS = 2


def attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Return what each token's earlier ones and itself mean to it, in the value's dtype.

    Args:
        query: [batch, heads, tokens, head_size].
        key: the same.
        value: the same.

    Raises:
        EvaluationRefused: a number is above 1,024, or not one, or sums would not be exact.
    """
    tokens, width = query.shape[-2:]
    _check_width(width, 2 * _BITS)
    _check_width(tokens, _BITS + _POWER_BITS)
    whole = [_whole(part, _STEP, _BITS) for part in (query, key, value)]
    scale = _STEP * _STEP / math.sqrt(width)
    later = torch.full((tokens, tokens), -math.inf, device=query.device).triu(1)
    # A few texts at a time: the scores of all would not stay in a CPU's caches.
    few = zip(*(part.split(_TEXTS) for part in whole), strict=True)
    found = [_attend(q, k, v, scale, later) for q, k, v in few]
    return torch.cat(found).float().to(value.dtype)


def logits(hidden: Tensor, weight: Tensor) -> Tensor:
    """Return hidden [..., width] times the transpose of a weight [rows, width], float32.

    Raises:
        EvaluationRefused: as `attention` does.
    """
    _check_width(hidden.shape[-1], _BITS + _WEIGHT_BITS)
    _, exponent = math.frexp(float(weight.abs().max()))
    step = 2.0 ** (exponent - _WEIGHT_BITS)
    sums = _whole(hidden, _STEP, _BITS) @ _whole(weight, step, _WEIGHT_BITS).t()
    return sums.mul_(_STEP * step).float()


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float, later: Tensor) -> Tensor:
    """Return the result for some texts, [texts, heads, tokens, head_size] float64."""
    scores = (query @ key.mT).mul_(scale).float().add_(later)
    below = scores.amax(-1, keepdim=True).sub(scores).mul_(_SCORES).round_()
    powers = _powers(query.device)[below.clamp_(max=_POWERS - 1).int()]
    return (powers @ value).mul_(_STEP).div_(powers.sum(-1, keepdim=True))


@cache
def _powers(device: torch.device) -> Tensor:
    """Return 2**20 * exp(-n / 1024) as whole numbers, the last ones 0.

    No number lies so near to the middle between two that another exponential would round it to
    the other (tests/evaluation/test_exact_sums.py).
    """
    exponents = torch.arange(_POWERS, dtype=torch.float64) / -_SCORES
    return exponents.exp().mul_(2.0**_POWER_BITS).round_().to(device)


def _whole(numbers: Tensor, step: float, bits: int) -> Tensor:
    """Return how many steps numbers are, rounded, as float64."""
    found = numbers.double().div_(step).round_()
    if not bool((found.abs() <= 2**bits).all()):
        raise EvaluationRefused(
            detail=f"the model computes {float(numbers.abs().max()):g}, and its attention and "
            f"last product take numbers up to {step * 2**bits:g}",
            remedy="evaluate a model whose activations are smaller",
        )
    return found


def _check_width(width: int, bits: int) -> None:
    """Refuse sums of so many products of so many bits as float64 does not hold exactly."""
    most = 1 << (_MOST_BITS - bits)
    if width > most:
        raise EvaluationRefused(
            detail=f"a sum of {width} products of {bits} bits is not exact; {most} are",
            remedy="evaluate a model of smaller sizes",
        )
