"""How far an operator's codes and scales are from a part's, on numbers of many magnitudes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from opparity.integrations.compile_pass.inputs import hard, many
from opparity.integrations.compile_pass.trial import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.integrations.compile_pass.parts import Part

    Pair = tuple[Tensor, Tensor]

# Where a number lies between two codes a quantiser that divides takes the other one now and then
# (0.05 % of bfloat16 activations), and an exponential that is rounded otherwise some more.
MOST_CHANGED = 0.005
# Other divisions and exponentials move a scale by some 2**-22; another function by more.
_SCALES_DIFFER_BY = 2.0**-14
# Up to twice the largest magnitude of a group that has the contract's minimum scale, where others
# go on or have a minimum of their own.
_SMALLEST = 2.0**-8


@dataclass(frozen=True, slots=True)
class Change:
    """What an operator makes another number, of all that were tried.

    Attributes:
        codes: the share of codes, and
        scales: the share of scales, of random numbers in groups that are not small.
        others: whether any other code or scale changes: of small numbers, of zeros, of gates and
            ups of every 16 bits, between two codes.
        numbers: how many codes were compared.
    """

    codes: float
    scales: float
    others: bool
    numbers: int

    def is_within(self, share: float) -> bool:
        """Return whether no byte changes; or, where some may, no larger share of the codes."""
        same = not (self.codes or self.scales or self.others)
        return same or 0 < share >= self.codes

    def __str__(self) -> str:
        if self.is_within(0.0):
            return f"the same bytes in {self.numbers:,} codes"
        if self.codes or self.scales:
            return f"changes {self.codes:.3%} of codes and {self.scales:.3%} of scales"
        return "changes codes or scales of small numbers, or between two codes"


def agreement(operators: Pair, values: Tensor, scales: Tensor) -> float | None:
    """Return the share of equal codes, or None if an operator is another function."""
    codes, factors = operators
    given = scales.reshape(factors.shape)
    near = (given - factors).abs() <= _SCALES_DIFFER_BY * factors
    # A group of small numbers has a scale of another rule, and codes that follow from it.
    compared = _are_not_small(factors, codes)
    if not bool((near | ~compared).all()):
        return None
    if not bool(compared.any()):
        return 1.0
    found = values.reshape(codes.shape).view(torch.uint8) == codes.view(torch.uint8)
    same: float = found.unflatten(-1, (factors.shape[-1], -1))[compared].float().mean().item()
    if same < 1 - MOST_CHANGED:
        return None
    # Of two that are near, the one with the same scales.
    equal: float = (factors == given)[compared].float().mean().item()
    return same + equal / 1000


def change(
    part: Part, operator: Callable[[Tensor], Pair], sizes: list[int], known: dict[Any, int]
) -> Change:
    """Return what an operator changes, of many more numbers than it was found by."""
    like, dtype = part.input.meta["val"], part.values.meta["val"].dtype
    random = [_differing(run(part, each, known), operator(each)) for each in many(sizes, like)]
    others = [
        _differing(run(part, each, known), operator(each)) for each in hard(sizes, like, dtype)
    ]
    codes, scales = (torch.cat([counted[place] for counted in random]) for place in (0, 1))
    compared = torch.cat([counted[2] for counted in random])
    rest = any(bool(codes.any() | scales.any()) for codes, scales, _ in others)
    group_size = random[0][0].shape[-1]
    return Change(
        codes[compared].float().mean().item() if compared.any() else 0.0,
        scales[compared].float().mean().item() if compared.any() else 0.0,
        rest or bool(codes[~compared].any() | scales[~compared].any()),
        sum(counted[1].numel() * group_size for counted in (*random, *others)),
    )


def _differing(found: Pair, expected: Pair) -> tuple[Tensor, Tensor, Tensor]:
    """Return which codes differ, which scales, and which groups are not small.

    Shapes: [num_tokens, num_groups, group_size], and twice [num_tokens, num_groups].
    """
    codes, factors = expected
    differ = found[0].reshape(codes.shape).view(torch.uint8) != codes.view(torch.uint8)
    by_group = differ.unflatten(-1, (factors.shape[-1], -1))
    return by_group, found[1].reshape(factors.shape) != factors, _are_not_small(factors, codes)


def _are_not_small(factors: Tensor, codes: Tensor) -> Tensor:
    dtype = codes.dtype
    largest = torch.finfo(dtype).max if dtype.is_floating_point else torch.iinfo(dtype).max
    return factors * largest > _SMALLEST
