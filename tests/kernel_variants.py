"""Variants of the GPU kernel, and few of them in which every two traits meet."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, fields
from functools import cache
from itertools import combinations, count, product
from typing import TYPE_CHECKING, Any

from opparity.formats import (
    INPUT_DTYPES,
    RECIPES,
    Intermediate,
    Recipe,
    ScaleLayout,
    ScaleRule,
    accepted_recipes,
)
from opparity.operators import ELEMENTWISE, PRODUCERS, producer_named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.operators.declaration import Producer

ORDERS = {ScaleLayout.PACKED: "kInWords", ScaleLayout.SWIZZLE_128X4: "kInTiles"}
# In the order of C++'s enumeration.
SHAPES = ("kLarge", "kMedium", "kSmall", "kUnaligned", "kTabled")
_COMPUTED = SHAPES[:4]
SHAPES_OF_SUMS = ("kMedium", "kSmall", "kUnaligned")
ROW_SHAPES = ("kWarpRow", "kBlockRow", "kUnalignedRow", "kWideRow", "kStayingRow")
_SHAPES_OF_NORMS = (*ROW_SHAPES[:3], "kStayingRow")
_SHAPES_OF_OTHERS = ROW_SHAPES[:4]
# Of rows, by shape and whether a last group is short: from one to eight pieces of a thread, and
# those that are read again. Rows of codes of four bits have even widths.
ROW_WIDTHS = {
    ("kWarpRow", False): (256, 512, 1024),
    ("kWarpRow", True): (48, 528, 1008),
    ("kBlockRow", False): (1280, 4096, 7168, 16384, 16640),
    ("kBlockRow", True): (1296, 4112, 7184, 16656),
    ("kUnalignedRow", False): (512, 2304),
    ("kUnalignedRow", True): (14, 334, 2058),
    ("kWideRow", False): (4096, 5120, 7168),
    ("kWideRow", True): (2064, 4112, 7184),
    ("kStayingRow", False): (1280, 4096, 7168),
    ("kStayingRow", True): (1296, 4112, 7184),
}
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
        order: how a scale's place is found, a member of C++'s enumeration.
        bound: whether scales have a bound.
        tail: whether the last group of a row is short.
        gradient: the gradient's dtype; None forward.
        quantises: whether it is the gradient that is quantised.
        shape: a member of C++'s enumeration.
        by_token: whether a row has one scale.
        weighted: whether a producer that reduces has a weight.
        residual: 0 without one, 1 where the sum is rounded, 2 where it is not.
        bounds_amax: whether the bound is one of the largest magnitude.
        width: of rows, which says how many pieces a thread has; None for other shapes.
        sums: whether the input is int32 sums of a product of int8 matrices.
    """

    producer: str
    interleaved: bool
    input: str
    intermediate: Intermediate
    value: str
    group_size: int | None
    rule: ScaleRule
    byte: bool
    order: str
    bound: bool
    tail: bool
    shape: str
    gradient: str | None = None
    by_token: bool = False
    weighted: bool = False
    residual: int = 0
    bounds_amax: bool = False
    width: int | None = None
    sums: bool = False
    quantises: bool = False

    @property
    def name(self) -> str:
        """Return its name in reports."""
        direction = "" if self.gradient is None else f"backward of {self.gradient}"
        interleaved = "interleaved" if self.interleaved else ""
        flags = ("byte", "bound", "tail", "by_token", "bounds_amax")
        traits = (self.rule, self.order, *(flag for flag in flags if getattr(self, flag)))
        quantised = "" if self.value == "none" else f"to {self.value} by {self.group_size}"
        quantised = " ".join(filter(None, (quantised, *traits)))
        rounded = (
            "" if self.intermediate is Intermediate.FLOAT32 else f"rounded {self.intermediate}"
        )
        added = ("", "added", "added unrounded")[self.residual]
        weighted = "weighted" if self.weighted else ""
        of_sums = "sums as" if self.sums else ""
        words: tuple[str, ...] = (self.producer, weighted, added, interleaved, direction, of_sums)
        words = (*words, self.input, rounded, quantised, self.shape, str(self.width or ""))
        return " ".join(word for word in words if word)

    @property
    def recipes(self) -> list[Recipe]:
        """Return the recipes that it serves; scales may be of two formats, and in any layout."""
        own = asdict(self).items()
        return [recipe for recipe in _recipes() if _scale_traits(recipe).items() <= own]


# One choice among several: traits by the name of their field.
Choice = dict[str, object]


def forward() -> list[list[Choice]]:
    """Return the choices of a forward variant, which are free of each other."""
    dtypes: list[Choice] = [
        {"input": input, "intermediate": intermediate, "gradient": None}
        for input in INPUT_DTYPES
        for intermediate in Intermediate
        if input != "float32" or intermediate is Intermediate.FLOAT32
    ]
    of_groups = [recipe for recipe in _recipes() if not recipe.by_token]
    return [_producers(ELEMENTWISE), dtypes, [*_kinds(_COMPUTED, *of_groups)]]


def tabled() -> list[list[Choice]]:
    """Return the choices of a variant with a table; no chip of AMD's is given one.

    Few recipes: what is behind the product is the other shapes' code.
    """
    producers: list[Choice] = [
        {"producer": producer.name, "interleaved": False}
        for producer in ELEMENTWISE
        if producer.name not in {"identity", "relu_squared"}
    ]
    dtypes: list[Choice] = [
        {"input": "bfloat16", "intermediate": intermediate, "gradient": None}
        for intermediate in Intermediate
    ]
    recipes = (RECIPES[name] for name in ("fp8_block", "nvfp4", "fp8_tensor", "none"))
    return [producers, dtypes, [*_kinds(("kTabled",), *recipes)]]


def norms() -> list[list[Choice]]:
    """Return the choices of a variant whose producer reduces.

    Few recipes: how codes and scales are made is the other shapes' code.
    """
    names = ("fp8_block", "mxfp8", "nvfp4", "fp8_tensor", "fp8_token", "int8_token", "none")
    layouts = (ScaleLayout.PACKED, ScaleLayout.SWIZZLE_128X4)
    recipes = [RECIPES[name] for name in names]
    recipes += [RECIPES["mxfp8"].with_layout(layout) for layout in layouts]
    producers: list[Choice] = [
        {
            "producer": producer.name,
            "interleaved": False,
            "weighted": weighted,
            "residual": residual,
        }
        for producer in PRODUCERS
        if producer.reduces
        for weighted in (True, False)
        for residual in ((0,) if producer.takes_gate else (0, 1, 2))
    ]
    return [producers, forward()[1], [*_row_kinds(_SHAPES_OF_NORMS, *recipes)]]


def by_token() -> list[list[Choice]]:
    """Return the choices of a variant of a row with one scale, whose producer does not reduce."""
    recipes = [recipe for recipe in _recipes() if recipe.by_token]
    return [_producers(ELEMENTWISE), forward()[1], [*_row_kinds(_SHAPES_OF_OTHERS, *recipes)]]


def of_sums() -> list[Variant]:
    """Return some variants that read int32 sums, in each shape that they are launched in."""
    recipes = (RECIPES[name] for name in ("fp8_block", "mxfp8", "nvfp4", "fp8_tensor", "none"))
    kinds = [*_kinds(SHAPES_OF_SUMS, *recipes)]
    producers = [choice | {"sums": True} for choice in _producers(ELEMENTWISE)]
    dtypes = forward()[1]
    return covering([producers, dtypes, kinds]) + covering([producers, dtypes, by_token()[2]])


def of_gradients() -> list[Variant]:
    """Return some variants that quantise a gradient, in each shape that they are launched in.

    Where gate and up stand in halves a thread has two pieces, and no group is short.
    """
    names = ("fp8_block", "mxfp8", "nvfp4", "fp8_tensor")
    recipes = [RECIPES[name] for name in names]
    recipes += [RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4), RECIPES["deepgemm"]]
    producers = [
        choice | {"quantises": True}
        for choice in _producers(ELEMENTWISE)
        if choice["producer"] != "identity"
    ]
    in_halves = [p for p in producers if _has_halves(p)]
    others = [p for p in producers if p not in in_halves]
    dtypes: list[Choice] = [
        {"input": input, "intermediate": intermediate, "gradient": gradient}
        for input in INPUT_DTYPES
        for intermediate in (Intermediate.FLOAT32, Intermediate.PRODUCT)
        for gradient in dict.fromkeys((input, "float32"))
        if input != "float32" or intermediate is Intermediate.FLOAT32
    ]
    whole = [kind for kind in _kinds(_COMPUTED[1:], *recipes) if not kind["tail"]]
    return covering([in_halves, dtypes, whole]) + covering(
        [others, dtypes, [*_kinds(_COMPUTED, *recipes)]]
    )


def _has_halves(choice: Choice) -> bool:
    return producer_named(str(choice["producer"])).gated and not choice["interleaved"]


def rows() -> list[Variant]:
    """Return some variants of whole rows."""
    return covering(norms()) + covering(by_token())


def backward() -> list[list[Choice]]:
    """Return the choices of a backward variant."""
    producers = tuple(producer for producer in ELEMENTWISE if producer.name != "identity")
    dtypes: list[Choice] = [
        {"input": input, "intermediate": Intermediate.FLOAT32, "gradient": gradient}
        for input in INPUT_DTYPES
        for gradient in dict.fromkeys((input, "float32"))
    ]
    return [_producers(producers), dtypes, [*_kinds(_COMPUTED, RECIPES["none"])]]


def every(choices: list[list[Choice]]) -> list[Variant]:
    """Return all variants."""
    return [_variant(chosen) for chosen in product(*choices)]


def covering(choices: list[list[Choice]], seed: int = 10) -> list[Variant]:
    """Return some variants, in which every two traits meet that meet in any."""
    draw = random.Random(seed)  # noqa: S311 -- it chooses tests
    missing = dict.fromkeys(_possible_pairs(choices))
    found = []
    while missing:
        wanted = dict(next(iter(missing)))
        fitting = [[c for c in part if (wanted | c).items() >= wanted.items()] for part in choices]
        drawn = [_variant([draw.choice(part) for part in fitting]) for _ in range(_DRAWS)]
        best = max(drawn, key=lambda variant: sum(pair in missing for pair in _pairs(variant)))
        found.append(best)
        for pair in _pairs(best):
            missing.pop(pair, None)
    return found


def side_by_side() -> list[Variant]:
    """Return all that goes into a product with one recipe, each recipe with one product, and all
    backward: what is before the product and what is behind it do not know each other.
    """
    producers, dtypes, kinds = forward()
    usual = {**_scale_traits(RECIPES["fp8_block"]), "bound": False, "tail": False}
    before = [producers, dtypes, [kind for kind in kinds if kind.items() >= usual.items()]]
    behind = [producers[:1], dtypes[:1], kinds]
    return list(dict.fromkeys(every(before) + every(behind) + every(backward())))


def of_recipe(producer: str, recipe: Recipe, number: int) -> Variant:
    """Return one of the forward variants of a producer and a recipe; the number says which."""
    producers, dtypes, kinds = forward()
    if producer_named(producer).reduces:
        producers, kinds = norms()[0], [*_row_kinds(_SHAPES_OF_NORMS, recipe)]
    elif recipe.by_token:
        kinds = [*_row_kinds(_SHAPES_OF_OTHERS, recipe)]
    wanted = _scale_traits(recipe).items()
    choices = (
        [choice for choice in producers if choice["producer"] == producer],
        dtypes,
        [kind for kind in kinds if kind.items() >= wanted],
    )
    return _variant([part[number % len(part)] for part in choices])


@cache
def _recipes() -> list[Recipe]:
    texts = sorted({recipe.text for recipe in accepted_recipes().values()})
    return [accepted_recipes()[text] for text in texts]


def _kinds(shapes: tuple[str, ...], *recipes: Recipe) -> Iterator[Choice]:
    """Return what there is behind the product: scales, and the shape of the launch."""
    scales = [_scale_traits(recipe) for recipe in recipes]
    distinct = [kind for i, kind in enumerate(scales) if kind not in scales[:i]]
    for kind, shape in product(distinct, shapes):
        # Widths of aligned rows are multiples of 16.
        may_have_tail = kind["group_size"] not in ({None} if shape == "kUnaligned" else {None, 16})
        for bound in (False, True)[: 1 + (kind["rule"] is ScaleRule.AMAX)]:
            for tail in (False, True)[: 1 + may_have_tail]:
                yield kind | {"bound": bound, "tail": tail, "shape": shape}


def _row_kinds(shapes: tuple[str, ...], *recipes: Recipe) -> Iterator[Choice]:
    """Return what there is behind the product of whole rows, and the shape of the launch."""
    scales = [_scale_traits(recipe) for recipe in recipes]
    distinct = [kind for i, kind in enumerate(scales) if kind not in scales[:i]]
    turn = count()
    for kind, shape in product(distinct, shapes):
        has_groups = kind["group_size"] is not None
        may_bound = kind["rule"] is ScaleRule.AMAX
        for bounds, tail in product((0, 1, 2)[: 1 + 2 * may_bound], (False, True)):
            widths = ROW_WIDTHS[shape, tail]
            if kind["group_size"] == 16:
                widths = tuple(width for width in widths if (width % 16 != 0) == tail)
            if not widths:
                continue
            # Each kind has one of them, and no pair with every width is asked for.
            yield kind | {
                "bound": bounds > 0,
                "bounds_amax": bounds == 2,
                "tail": tail and has_groups,
                "shape": shape,
                "width": widths[next(turn) % len(widths)],
            }


def _scale_traits(recipe: Recipe) -> Choice:
    return {
        "value": recipe.value,
        "group_size": None if recipe.by_token else recipe.group_size,
        "by_token": recipe.by_token,
        "rule": recipe.rule,
        "byte": recipe.scale_is_byte,
        "order": ORDERS.get(recipe.layout, "kStrided"),
    }


def _producers(producers: tuple[Producer, ...]) -> list[Choice]:
    return [
        {"producer": producer.name, "interleaved": interleaved}
        for producer in producers
        for interleaved in (False, True)[: 1 + producer.gated]
    ]


def _variant(chosen: Iterable[Choice]) -> Variant:
    traits: dict[str, Any] = {}
    for choice in chosen:
        traits |= choice
    return Variant(**traits)


def _pairs(variant: Variant) -> list[Pair]:
    order = [field.name for field in fields(variant) if field.name != "width"]
    traits = [(name, getattr(variant, name)) for name in order]
    return list(combinations(traits, 2))


def _possible_pairs(choices: list[list[Choice]]) -> list[Pair]:
    """Return the pairs of all variants, without making all variants."""
    order = [field.name for field in fields(Variant) if field.name != "width"]
    found: dict[Pair, None] = {}
    for some, others in combinations(choices, 2):
        for one, other in product(some, others):
            chosen = one | other
            traits = [(name, chosen[name]) for name in order if name in chosen]
            found |= dict.fromkeys(combinations(traits, 2))
    return list(found)
