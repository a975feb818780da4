"""Which operator a part of a graph is: seen by running both on the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from opparity.formats import Intermediate, accepted_recipes
from opparity.integrations.compile_pass.parts import (
    CannotRun,
    Part,
    objection,
    run,
    sizes_to_try,
)
from opparity.operators import ELEMENTWISE, general_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

_NAMES = {
    torch.float8_e4m3fn: "float8_e4m3fn",
    torch.float8_e4m3fnuz: "float8_e4m3fnuz",
    torch.float8_e5m2: "float8_e5m2",
    torch.int8: "int8",
}
_SCALES = ("float32/amax", "ue8m0_float32/ceil", "ue8m0_float32/floor", "ue8m0_float32/even")
# Where a number lies between two codes a quantiser that divides takes the other one now and then
# (0.05 % of bfloat16 activations), and an exponential that is rounded otherwise some more.
_SAME_CODES = 0.995
# Other divisions and exponentials move a scale by some 2**-22; another function by more.
_SCALES_DIFFER_BY = 2.0**-14
# Up to twice the largest magnitude of a group that has the contract's minimum scale, where others
# go on or have a minimum of their own.
_SMALLEST = 2.0**-8
# Products of float16 end at 65,504.
_LARGEST = {torch.float16: 20.0}
# Far below and beyond such limits as models have.
_MAGNITUDES = (1.0, 0.25, 8.0, 100.0, 0.05, 0.002, 30000.0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An operator with the arguments that make it a part's."""

    operator: str
    recipe: str
    intermediate: str

    def __str__(self) -> str:
        return f"{self.operator}, '{self.recipe}', intermediate {self.intermediate}"


def recognise(part: Part) -> Candidate | str:
    """Return the operator that a part of a graph is, or why it is none."""
    reason = objection(part)
    if reason is not None:
        return reason
    shares: dict[Candidate, float] | None = None
    try:
        sizes, known = sizes_to_try(part)
        for input in _trials(sizes, part.input.meta["val"]):
            values, scales = run(part, input, known)
            if shares is None:
                candidates = _candidates(input, values, scales)
                if isinstance(candidates, str):
                    return candidates
                shares = dict.fromkeys(candidates, 0.0)
            found = {one: _agreement(one, input, values, scales) for one in shares}
            shares = {one: shares[one] + more for one, more in found.items() if more is not None}
    except CannotRun as error:
        return str(error)
    if not shares:
        return "its numbers are those of no operator"
    return max(shares, key=shares.__getitem__)


def _trials(sizes: list[int], like: Tensor) -> Iterator[Tensor]:
    """Yield numbers of one magnitude after another, up to such as a limit would cut off.

    All of a trial's have one, since the largest number of a row may decide all of its codes.
    """
    drawn = torch.Generator().manual_seed(0)
    for magnitude in _MAGNITUDES:
        if magnitude <= _LARGEST.get(like.dtype, magnitude):
            numbers = torch.randn(sizes, generator=drawn) * magnitude
            yield numbers.to(like.dtype).to(like.device)


def _candidates(input: Tensor, values: Tensor, scales: Tensor) -> list[Candidate] | str:
    """Return the operators with codes and scales of these shapes, or why there is none."""
    if values.shape[:-1] != input.shape[:-1] or scales.shape[:-1] != input.shape[:-1]:
        return "its codes and scales do not lie as the input does"
    read, width, groups = input.shape[-1], values.shape[-1], scales.shape[-1]
    if groups == 0 or width % groups:
        return f"its {width} codes have {groups} scales for each token"
    size: int | str = "row" if groups == 1 else width // groups
    recipes = [
        text
        for scale in _SCALES
        if (text := f"{_NAMES[values.dtype]}/{size}/{scale}/row_major") in accepted_recipes()
    ]
    if not recipes:
        return f"there is no recipe with groups of {size}"
    found: list[Candidate] = []
    for producer in ELEMENTWISE:
        takes = 2 * width if producer.gated else width
        if takes != read or any(p.default is None for p in producer.parameters):
            continue
        found += [
            Candidate(general_name(producer), recipe, str(intermediate))
            for recipe in recipes
            for intermediate in Intermediate
        ]
    return found


def _agreement(candidate: Candidate, input: Tensor, values: Tensor, scales: Tensor) -> float | None:
    """Return the share of equal codes, or None if a candidate is another function."""
    tokens = input.reshape(-1, input.shape[-1])
    operator = getattr(torch.ops.opparity, candidate.operator).default
    try:
        codes, factors = operator(tokens, candidate.recipe, intermediate=candidate.intermediate)
    except RuntimeError as error:
        # Their widths and groups are allowed, so that this says something new.
        raise CannotRun(f"the operator refuses it: {error}") from error
    given = scales.reshape(factors.shape)
    near = (given - factors).abs() <= _SCALES_DIFFER_BY * factors
    # A group of small numbers has a scale of another rule, and codes that follow from it.
    compared = factors * _maximum(values.dtype) > _SMALLEST
    if not bool((near | ~compared).all()):
        return None
    if not bool(compared.any()):
        return 1.0
    found = values.reshape(codes.shape).view(torch.uint8) == codes.view(torch.uint8)
    same: float = found.unflatten(-1, (factors.shape[-1], -1))[compared].float().mean().item()
    if same < _SAME_CODES:
        return None
    # Of two that are near, the one with the same scales.
    equal: float = (factors == given)[compared].float().mean().item()
    return same + equal / 1000


def _maximum(dtype: torch.dtype) -> float:
    return torch.finfo(dtype).max if dtype.is_floating_point else torch.iinfo(dtype).max
