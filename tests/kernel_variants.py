"""Variants of the GPU kernel, and few of them in which every two traits meet."""

from __future__ import annotations

import random
from dataclasses import astuple, dataclass, fields
from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING

from opparity.formats import (
    INPUT_DTYPES,
    RECIPES,
    Intermediate,
    Recipe,
    ScaleLayout,
    ScaleRule,
    accepted_recipes,
)
from opparity.operators import PRODUCERS

if TYPE_CHECKING:
    from opparity.operators.declaration import Producer

SHAPES = ("kLarge", "kMedium", "kSmall", "kUnaligned")
Traits = tuple[str, int | None, ScaleRule, bool, bool]
Pair = tuple[tuple[str, object], ...]

# How many variants are drawn for each that is taken; with more, hardly fewer suffice.
_DRAWS = 50


@dataclass(frozen=True, slots=True)
class Variant:
    """What is decided when a kernel is compiled.

    Attributes:
        producer: its name.
        value: a value format, or "none".
        group_size: None without groups.
        byte: whether a scale is stored in one.
        tiled: whether a scale's place is more than a sum of two products.
        gradient: the gradient's dtype; None forward.
        shape: a member of C++'s enumeration.
    """

    producer: str
    interleaved: bool
    input: str
    intermediate: Intermediate
    value: str
    group_size: int | None
    rule: ScaleRule
    byte: bool
    tiled: bool
    shape: str
    gradient: str | None = None

    @property
    def name(self) -> str:
        """Return its name in reports."""
        direction = "" if self.gradient is None else f"backward of {self.gradient}"
        interleaved = "interleaved" if self.interleaved else ""
        traits = ("bytes" if self.byte else "", "tiled" if self.tiled else "", self.rule)
        quantised = "" if self.value == "none" else f"to {self.value} by {self.group_size}"
        quantised = " ".join(filter(None, (quantised, *traits)))
        rounded = (
            "" if self.intermediate is Intermediate.FLOAT32 else f"rounded {self.intermediate}"
        )
        words = (self.producer, interleaved, direction, self.input, rounded, quantised, self.shape)
        return " ".join(word for word in words if word)

    @property
    def recipes(self) -> list[Recipe]:
        """Return the recipes that it serves; scales may be of two formats, and in any layout."""
        wanted = (self.value, self.group_size, self.rule, self.byte, self.tiled)
        return [recipe for recipe in _recipes() if _traits(recipe) == wanted]


def forward_variants() -> list[Variant]:
    """Return every variant of the forward kernel."""
    kinds = dict.fromkeys(map(_traits, _recipes()))
    return [
        _variant(producer, rounding, traits, shape, None)
        for producer, rounding, traits, shape in product(
            _producers(PRODUCERS), _roundings(), kinds, SHAPES
        )
    ]


def backward_variants() -> list[Variant]:
    """Return every variant of the backward kernel."""
    dtypes = [(i, g) for i in INPUT_DTYPES for g in dict.fromkeys((i, "float32"))]
    producers = tuple(producer for producer in PRODUCERS if producer.name != "identity")
    traits = _traits(RECIPES["none"])
    return [
        _variant(producer, (input, Intermediate.FLOAT32), traits, shape, gradient)
        for producer, (input, gradient), shape in product(_producers(producers), dtypes, SHAPES)
    ]


def covering(variants: list[Variant], seed: int = 10) -> list[Variant]:
    """Return some of them, in which every two traits meet that meet in any."""
    having: dict[Pair, list[Variant]] = {}
    for variant in variants:
        for pair in _pairs(variant):
            having.setdefault(pair, []).append(variant)
    missing, chosen = dict.fromkeys(having), []
    draw = random.Random(seed)  # noqa: S311 -- it chooses tests
    while missing:
        wanted = having[next(iter(missing))]
        drawn = draw.sample(wanted, min(_DRAWS, len(wanted)))
        best = max(drawn, key=lambda variant: sum(pair in missing for pair in _pairs(variant)))
        chosen.append(best)
        for pair in _pairs(best):
            missing.pop(pair, None)
    return chosen


def _variant(
    producer: tuple[str, bool],
    rounding: tuple[str, Intermediate],
    traits: Traits,
    shape: str,
    gradient: str | None,
) -> Variant:
    value, group_size, rule, byte, tiled = traits
    return Variant(*producer, *rounding, value, group_size, rule, byte, tiled, shape, gradient)


@cache
def _recipes() -> list[Recipe]:
    texts = sorted({recipe.text for recipe in accepted_recipes().values()})
    return [accepted_recipes()[text] for text in texts]


def _traits(recipe: Recipe) -> Traits:
    tiled = recipe.layout in {ScaleLayout.PACKED, ScaleLayout.SWIZZLE_128X4}
    return recipe.value, recipe.group_size, recipe.rule, recipe.scale_is_byte, tiled


def _producers(producers: tuple[Producer, ...]) -> list[tuple[str, bool]]:
    """Return names, and whether gate and up alternate."""
    return [
        (p.name, interleaved) for p in producers for interleaved in (False, True)[: 1 + p.gated]
    ]


def _roundings() -> list[tuple[str, Intermediate]]:
    return [
        (input, intermediate)
        for input in INPUT_DTYPES
        for intermediate in Intermediate
        if input != "float32" or intermediate is Intermediate.FLOAT32
    ]


def _pairs(variant: Variant) -> list[Pair]:
    names = [field.name for field in fields(variant)]
    return list(combinations(zip(names, astuple(variant), strict=True), 2))
