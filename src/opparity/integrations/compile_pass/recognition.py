"""Which operator a part of a graph is: seen by running both on the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from opparity.formats import Intermediate, accepted_recipes
from opparity.integrations.compile_pass.comparison import (
    Change,
    agreement,
    change,
)
from opparity.integrations.compile_pass.inputs import magnitudes
from opparity.integrations.compile_pass.parts import Part, objection
from opparity.integrations.compile_pass.trial import CannotRun, lies, run, sizes_to_try
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


@dataclass(frozen=True, slots=True)
class Candidate:
    """An operator with the arguments that make it a part's."""

    operator: str
    recipe: str
    intermediate: str

    def call(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Return an input's codes and scales.

        Raises:
            CannotRun: the operator refuses it.
        """
        tokens = input.reshape(-1, input.shape[-1])
        operator = getattr(torch.ops.opparity, self.operator).default
        try:
            values, scales = operator(tokens, self.recipe, intermediate=self.intermediate)
        except RuntimeError as error:
            # Their widths and groups are allowed, so that this says something new.
            raise CannotRun(f"the operator refuses it: {error}") from error
        return values, scales

    def __str__(self) -> str:
        return f"{self.operator}, '{self.recipe}', intermediate {self.intermediate}"


@dataclass(frozen=True, slots=True)
class Found:
    """An operator that computes what a part does.

    Attributes:
        candidate: the operator with its arguments.
        change: what becomes another number.
    """

    candidate: Candidate
    change: Change

    def __str__(self) -> str:
        return f"{self.candidate}: {self.change}"


def recognise(part: Part) -> Found | str:
    """Return the operator that a part of a graph is or is near, or why there is none."""
    reason = objection(part)
    if reason is not None:
        return reason
    try:
        sizes, known = sizes_to_try(part)
        best = _best(part, sizes, known)
        if isinstance(best, str):
            return best
        return Found(best, change(part, best.call, sizes, known))
    except CannotRun as error:
        return str(error)


def _best(part: Part, sizes: list[int], known: dict[Any, int]) -> Candidate | str:
    """Return the operator whose codes and scales are nearest, or why there is none."""
    shares: dict[Candidate, float] | None = None
    for input in magnitudes(sizes, part.input.meta["val"]):
        values, scales = run(part, input, known)
        if shares is None:
            candidates = _candidates(_layout(part, known), input, values, scales)
            if isinstance(candidates, str):
                return candidates
            shares = dict.fromkeys(candidates, 0.0)
        found = {one: agreement(one.call(input), values, scales) for one in shares}
        shares = {one: shares[one] + more for one, more in found.items() if more is not None}
    if not shares:
        return "its numbers are those of no operator"
    return max(shares, key=shares.__getitem__)


def _candidates(
    layout: str | None, input: Tensor, values: Tensor, scales: Tensor
) -> list[Candidate] | str:
    """Return the operators with codes and scales of these shapes, or why there is none."""
    if values.shape[:-1] != input.shape[:-1] or scales.shape[:-1] != input.shape[:-1]:
        return "its codes and scales do not lie as the input does"
    read, width, groups = input.shape[-1], values.shape[-1], scales.shape[-1]
    if groups == 0 or width % groups:
        return f"its {width} codes have {groups} scales for each token"
    if layout is None:
        return "its codes or scales have strides that no layout has"
    size: int | str = "row" if groups == 1 else width // groups
    recipes = [
        text
        for scale in _SCALES
        if (text := f"{_NAMES[values.dtype]}/{size}/{scale}/{layout}") in accepted_recipes()
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


def _layout(part: Part, known: dict[Any, int]) -> str | None:
    """Return the layout whose strides the scales have, or None if there is none."""
    if not lies(part.values, known):
        return None
    if lies(part.scales, known):
        return "row_major"
    plain = part.scales.meta["val"].dim() == 2  # noqa: PLR2004 -- tokens and groups
    return "column_major" if plain and lies(part.scales, known, columns=True) else None
