"""Which operator a part of a graph is: seen by running both on the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from opparity.formats import Intermediate, accepted_recipes
from opparity.integrations.compile_pass.parts import CannotRun, Part, run, sizes_to_try
from opparity.operators import ELEMENTWISE, general_name

if TYPE_CHECKING:
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
_SAME_CODES = 0.99
_SCALES_DIFFER_BY = 2.0**-7
# Below it a scale is the contract's minimum, where others go on or have a minimum of their own.
_SMALLEST = 2.0**-6


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
    try:
        sizes, known = sizes_to_try(part)
        input = _numbers(sizes, part.input.meta["val"])
        values, scales = run(part, input, known)
    except CannotRun as error:
        return str(error)
    if values.shape[:-1] != input.shape[:-1] or scales.shape[:-1] != input.shape[:-1]:
        return "its codes and scales do not lie as the input does"
    width, groups = values.shape[-1], scales.shape[-1]
    if groups == 0 or width % groups:
        return f"its {width} codes have {groups} scales for each token"
    best: tuple[float, Candidate] | None = None
    for candidate in _candidates(input.shape[-1], width, groups, values.dtype):
        share = _agreement(candidate, input, values, scales)
        if share is not None and (best is None or share > best[0]):
            best = share, candidate
    return best[1] if best else "its numbers are those of no operator"


def _numbers(sizes: list[int], like: Tensor) -> Tensor:
    """Return numbers of several magnitudes, from small ones to such as a limit would cut off."""
    drawn = torch.Generator().manual_seed(0)
    numbers = torch.randn(sizes, generator=drawn)
    rows = torch.Size(sizes[:-1]).numel()
    magnitudes = torch.tensor([1.0, 8.0, 100.0, 0.25]).repeat(-(-rows // 4))[:rows]
    scaled = numbers * magnitudes.reshape(*sizes[:-1], 1)
    return scaled.to(like.dtype).to(like.device)


def _candidates(read: int, width: int, groups: int, dtype: torch.dtype) -> list[Candidate]:
    size: int | str = "row" if groups == 1 else width // groups
    recipes = [
        text
        for scale in _SCALES
        if (text := f"{_NAMES[dtype]}/{size}/{scale}/row_major") in accepted_recipes()
    ]
    found = []
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
    except RuntimeError:
        # A width or group that the operator does not take.
        return None
    given = scales.reshape(factors.shape)
    apart = (given - factors).abs() > _SCALES_DIFFER_BY * factors
    if bool((apart & (factors * _maximum(values.dtype) > _SMALLEST)).any()):
        return None
    found = values.reshape(codes.shape).view(torch.uint8)
    share = (found == codes.view(torch.uint8)).float().mean().item()
    share += (factors == given).float().mean().item() / 1000
    return share if share >= _SAME_CODES else None


def _maximum(dtype: torch.dtype) -> float:
    return torch.finfo(dtype).max if dtype.is_floating_point else torch.iinfo(dtype).max
