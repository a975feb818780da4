"""Recipes: what quantised values, their scales and the scales' layout may be. No torch in here.

A recipe is a value format, a granularity, a scale format with the rule that computes a scale, and
a layout. `RECIPES` has the ones in use by name; any other that `Recipe` accepts works too.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from itertools import product
from typing import Literal

from opparity.errors import ArgumentRefused


class Intermediate(StrEnum):
    """Where the activation is rounded to the input's dtype before it is quantised.

    FLOAT32 rounds nothing.
    INPUT_DTYPE rounds both factors and their product, as a model with an operator for each does.
    PRODUCT rounds the product alone, as a fused activation in front of a quantiser does.
    """

    FLOAT32 = "float32"
    INPUT_DTYPE = "input_dtype"
    PRODUCT = "product"


class ExpertLayout(StrEnum):
    """Where an expert's rows are, and what the tensor `rows` of int32 numbers says of them.

    MASKED gives each expert as many rows as any other, [num_experts, num_tokens, width], of which
    the first are valid: `rows` counts them.
    OFFSETS has the experts one after another: `rows` has num_experts + 1 numbers, and expert e has
    the rows from the one to the next.
    PSUM has them one after another too, each from the next multiple on: `rows` has their ends.
    TOKENS has one list for all, of `multiple` rows for each token: `rows` is the number of tokens.
    """

    MASKED = "masked"
    OFFSETS = "offsets"
    PSUM = "psum"
    TOKENS = "tokens"


class ScaleFormat(StrEnum):
    """How a scale is stored."""

    FLOAT32 = "float32"
    POWER_OF_TWO = "ue8m0_float32"
    """A float32 number that is a power of two."""
    E8M0 = "float8_e8m0fnu"
    E4M3 = "float8_e4m3fn"
    NONE = "none"


class ScaleRule(StrEnum):
    """How a scale is computed from the largest magnitude of its group."""

    AMAX = "amax"
    """amax / maximum, a float32 number."""
    CEIL = "ceil"
    """The power of two not below amax / maximum: torchao's RCEIL, cuBLAS's and DeepGEMM's rule."""
    EVEN = "even"
    """The power of two of amax rounded to the format's mantissa: AITER's and vLLM's MXFP4."""
    FLOOR = "floor"
    """The power of two of amax, less the format's largest exponent: OCP MX 1.0 and torchao."""
    GLOBAL = "global"
    """amax / maximum times a given global scale, rounded to E4M3: NVFP4's second level."""
    GIVEN = "given"
    """The scale is given, one for the tensor."""
    NONE = "none"


class ScaleLayout(StrEnum):
    """Where the scale of (token, group) lies.

    ROW_MAJOR keeps a token's scales together; COLUMN_MAJOR keeps a group's scales together, and
    COLUMN_MAJOR_PADDED starts each group's at a multiple of 16 bytes, as TMA asks for.
    These three are handed out as [num_tokens, num_groups].
    PACKED is DeepGEMM's: four groups' exponents in an int32, [num_tokens, ceil(num_groups / 4)],
    column-major with padded columns.
    SWIZZLE_128X4 is cuBLAS's layout of tiles of 128 rows and 4 columns, one flat list.
    """

    ROW_MAJOR = "row_major"
    COLUMN_MAJOR = "column_major"
    COLUMN_MAJOR_PADDED = "column_major_padded"
    PACKED = "packed"
    SWIZZLE_128X4 = "swizzle_128x4"


@dataclass(frozen=True, slots=True)
class ValueFormat:
    """A format for quantised values.

    Attributes:
        name: torch's name of the dtype; float4_e2m1 is stored as uint8, two codes a byte.
        functor: its name in C++.
        maximum: the magnitude that a group's amax is mapped to.
        lowest: the least code value; codes saturate to [lowest, maximum].
        minimum_scale: the lower clamp of scales by the rule AMAX.
        nan_code: the code that stands for NaN; int8 has none and stores 0 under a NaN scale.
        exponent: of the largest number, OCP MX's emax; None where no E8M0 rule is defined.
        mantissa_bits: digits behind the leading one.
        bits: of a code.
    """

    name: str
    functor: str
    maximum: float
    lowest: float
    minimum_scale: float
    nan_code: int
    exponent: int | None = None
    mantissa_bits: int = 0
    bits: int = 8


# minimum_scale is the float32 nearest to 1 / (maximum * 512), as vLLM has it for E4M3; for int8 it
# is float32's epsilon. 224 instead of FNUZ's own 240 is vLLM's choice for gfx942, and kept.
VALUE_FORMATS: dict[str, ValueFormat] = {
    row.name: row
    for row in (
        ValueFormat(
            "float8_e4m3fn",
            "Float8E4M3FN",
            448.0,
            -448.0,
            float.fromhex("0x1.24924ap-18"),
            0x7F,
            8,
            3,
        ),
        ValueFormat(
            "float8_e4m3fnuz",
            "Float8E4M3FNUZ",
            224.0,
            -224.0,
            float.fromhex("0x1.24924ap-17"),
            0x80,
        ),
        ValueFormat(
            "float8_e5m2",
            "Float8E5M2",
            57344.0,
            -57344.0,
            float.fromhex("0x1.24924ap-25"),
            0x7F,
            15,
            2,
        ),
        ValueFormat("int8", "Int8", 127.0, -128.0, float.fromhex("0x1p-23"), 0x00),
        ValueFormat(
            "float4_e2m1",
            "Float4E2M1",
            6.0,
            -6.0,
            float.fromhex("0x1.555556p-12"),
            0x7,
            2,
            1,
            bits=4,
        ),
    )
}

INPUT_DTYPES = ("float16", "bfloat16", "float32")
GROUP_SIZES = (16, 32, 64, 128, 256)
# The group size of a recipe by token.
ROW: Literal["row"] = "row"

# Of a recipe's text.
_NUMBER_OF_PARTS = 5

_E8M0_RULES = (ScaleRule.CEIL, ScaleRule.EVEN, ScaleRule.FLOOR)
_BYTE_FORMATS = (ScaleFormat.E8M0, ScaleFormat.E4M3)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How values are quantised. `str(recipe)` is what operators take, `Recipe.parse` reads it.

    Attributes:
        value: a name of VALUE_FORMATS, or "none": the product in the input's dtype, no scales.
        group_size: elements that share a scale, 16 to 256; "row" for a token's whole row; None for
            one given scale for the tensor.
        scale: the scales' format.
        rule: how a scale is computed.
        layout: where the scales lie.

    Raises:
        ArgumentRefused: for a combination that no operator has.
    """

    value: str
    group_size: int | Literal["row"] | None
    scale: ScaleFormat
    rule: ScaleRule
    layout: ScaleLayout = ScaleLayout.ROW_MAJOR
    # Made once: an operator's function hands it over at each call.
    text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            for name, kind in (
                ("scale", ScaleFormat),
                ("rule", ScaleRule),
                ("layout", ScaleLayout),
            ):
                object.__setattr__(self, name, kind(getattr(self, name)))
        except ValueError as error:
            raise ArgumentRefused(
                operator="Recipe",
                detail=f"{error}; allowed: {', '.join(kind)}; choose one",
            ) from None
        detail = _objection(self)
        if detail is not None:
            raise ArgumentRefused(operator="Recipe", detail=detail)
        parts = (self.value, self.group_size or "tensor", self.scale, self.rule, self.layout)
        object.__setattr__(self, "text", "/".join(map(str, parts)))

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Return the recipe that `text` names, or whose `str` it is."""
        is_text = isinstance(text, str)
        if is_text and text in RECIPES:
            return RECIPES[text]
        parts = text.split("/") if is_text else []
        if len(parts) != _NUMBER_OF_PARTS:
            names = ", ".join(RECIPES)
            raise ArgumentRefused(
                operator="Recipe",
                detail=f"recipe is {text!r}; allowed: {names}, or "
                "value/group_size/scale/rule/layout; choose one",
            )
        value, size, *others = parts
        group_size = int(size) if size.isdecimal() else None if size == "tensor" else size
        return cls(value, group_size, *others)  # type: ignore[arg-type] # they are cast there

    def with_layout(self, layout: ScaleLayout) -> Recipe:
        """Return the same recipe with another layout of scales, or raise ArgumentRefused."""
        return replace(self, layout=layout)

    @property
    def format(self) -> ValueFormat | None:
        """The value format's facts; None for "none"."""
        return VALUE_FORMATS.get(self.value)

    @property
    def by_token(self) -> bool:
        """Whether a token's whole row shares a scale."""
        return self.group_size == ROW

    def group_in(self, hidden_size: int) -> int:
        """Return how many elements share a scale in rows so wide."""
        assert self.group_size is not None
        return hidden_size if self.group_size == ROW else self.group_size

    def groups_in(self, hidden_size: int) -> int:
        """Return how many scales a row so wide has."""
        if self.group_size is None:
            return 0
        if self.group_size == ROW:
            return 1
        return (hidden_size + self.group_size - 1) // self.group_size

    @property
    def scale_is_byte(self) -> bool:
        """Whether a scale is stored in one byte."""
        return self.scale in _BYTE_FORMATS


def _objection(recipe: Recipe) -> str | None:
    """Return why a combination is none, or None."""
    if recipe.value == "none":
        allowed = (None, ScaleFormat.NONE, ScaleRule.NONE, ScaleLayout.ROW_MAJOR)
        if (recipe.group_size, recipe.scale, recipe.rule, recipe.layout) != allowed:
            return "value 'none' has no scales; allowed: group_size None, scale and rule 'none'"
        return None
    facts = VALUE_FORMATS.get(recipe.value)
    if facts is None:
        names = ", ".join((*VALUE_FORMATS, "none"))
        return f"value is '{recipe.value}'; allowed: {names}; choose one"
    if recipe.rule is ScaleRule.GIVEN:
        if recipe.group_size is not None or recipe.scale is not ScaleFormat.FLOAT32:
            return (
                "rule 'given' is for one float32 scale; allowed: group_size None, scale 'float32'"
            )
        if recipe.layout is not ScaleLayout.ROW_MAJOR:
            return f"layout is '{recipe.layout}' with one scale; allowed: row_major; leave it out"
        if facts.name == "float4_e2m1":
            return "float4_e2m1 has a scale for each group; allowed: group_size 16 to 256"
        return None
    return (
        _objection_to_group(recipe)
        or _objection_to_scale(recipe, facts)
        or _objection_to_layout(recipe)
    )


def _objection_to_group(recipe: Recipe) -> str | None:
    if recipe.group_size == ROW:
        allowed = (ScaleFormat.FLOAT32, ScaleRule.AMAX, ScaleLayout.ROW_MAJOR)
        if (recipe.scale, recipe.rule, recipe.layout) != allowed:
            return (
                "group_size 'row' is for one float32 scale for each token; allowed: scale "
                "'float32', rule 'amax', layout 'row_major'"
            )
    elif recipe.group_size not in GROUP_SIZES:
        sizes = ", ".join((*map(str, GROUP_SIZES), ROW))
        return f"group_size is {recipe.group_size}; allowed: {sizes}; choose one"
    return None


def _objection_to_scale(recipe: Recipe, facts: ValueFormat) -> str | None:
    rules: tuple[ScaleRule, ...] = {
        ScaleFormat.FLOAT32: (ScaleRule.AMAX,),
        ScaleFormat.POWER_OF_TWO: _E8M0_RULES,
        ScaleFormat.E8M0: _E8M0_RULES,
        ScaleFormat.E4M3: (ScaleRule.GLOBAL,),
        ScaleFormat.NONE: (),
    }[recipe.scale]
    if recipe.rule not in rules:
        allowed = ", ".join(rules) or "none, since values need scales"
        return (
            f"rule is '{recipe.rule}' with scale '{recipe.scale}'; allowed: {allowed}; choose one"
        )
    if recipe.rule in _E8M0_RULES and facts.exponent is None:
        names = ", ".join(f.name for f in VALUE_FORMATS.values() if f.exponent is not None)
        return f"rule '{recipe.rule}' is not defined for {facts.name}; allowed: {names}; choose one"
    if recipe.rule is ScaleRule.GLOBAL and (facts.name, recipe.group_size) != ("float4_e2m1", 16):
        return "rule 'global' is NVFP4's; allowed: float4_e2m1 with group_size 16"
    if facts.name == "float4_e2m1" and recipe.rule is ScaleRule.AMAX:
        formats = "ue8m0_float32, float8_e8m0fnu, float8_e4m3fn"
        return f"float4_e2m1 has no scales by the rule 'amax'; allowed: scale {formats}"
    return None


def _objection_to_layout(recipe: Recipe) -> str | None:
    if recipe.layout is ScaleLayout.PACKED and recipe.scale is not ScaleFormat.E8M0:
        return f"layout 'packed' is for exponents, not '{recipe.scale}'; allowed: 'float8_e8m0fnu'"
    if recipe.layout is ScaleLayout.SWIZZLE_128X4 and not recipe.scale_is_byte:
        return (
            f"layout 'swizzle_128x4' holds bytes; allowed: scale 'float8_e8m0fnu' or "
            f"'float8_e4m3fn', not '{recipe.scale}'"
        )
    return None


def group_recipe(
    value: str = "float8_e4m3fn",
    group_size: int | Literal["row"] = 128,
    layout: ScaleLayout = ScaleLayout.ROW_MAJOR,
) -> Recipe:
    """Return values of a format with one float32 scale for each group."""
    return Recipe(value, group_size, ScaleFormat.FLOAT32, ScaleRule.AMAX, layout)


# THE recipe table: one line for each recipe that has a name of its own.
RECIPES: dict[str, Recipe] = {
    "fp8_block": group_recipe(),
    "fp8_block_64": group_recipe(group_size=64),
    "fp8_block_ue8m0": Recipe("float8_e4m3fn", 128, ScaleFormat.POWER_OF_TWO, ScaleRule.CEIL),
    "fp8_block_fnuz": group_recipe("float8_e4m3fnuz"),
    "fp8_e5m2_block": group_recipe("float8_e5m2"),
    "int8_block": group_recipe("int8"),
    "fp8_token": group_recipe(group_size=ROW),
    "fp8_token_fnuz": group_recipe("float8_e4m3fnuz", ROW),
    "int8_token": group_recipe("int8", ROW),
    "fp8_tensor": Recipe("float8_e4m3fn", None, ScaleFormat.FLOAT32, ScaleRule.GIVEN),
    "fp8_tensor_fnuz": Recipe("float8_e4m3fnuz", None, ScaleFormat.FLOAT32, ScaleRule.GIVEN),
    "int8_tensor": Recipe("int8", None, ScaleFormat.FLOAT32, ScaleRule.GIVEN),
    "mxfp8": Recipe("float8_e4m3fn", 32, ScaleFormat.E8M0, ScaleRule.CEIL),
    "mxfp8_e5m2": Recipe("float8_e5m2", 32, ScaleFormat.E8M0, ScaleRule.CEIL),
    "mxfp4": Recipe("float4_e2m1", 32, ScaleFormat.E8M0, ScaleRule.EVEN),
    "nvfp4": Recipe("float4_e2m1", 16, ScaleFormat.E4M3, ScaleRule.GLOBAL),
    "deepgemm": Recipe("float8_e4m3fn", 128, ScaleFormat.E8M0, ScaleRule.CEIL, ScaleLayout.PACKED),
    "none": Recipe("none", None, ScaleFormat.NONE, ScaleRule.NONE),
    "mxfp8_floor": Recipe("float8_e4m3fn", 32, ScaleFormat.E8M0, ScaleRule.FLOOR),
}


@cache
def accepted_recipes() -> dict[str, Recipe]:
    """Return every recipe that operators take, by each text that they take for it."""
    sizes = (None, ROW, *GROUP_SIZES)
    listed = dict(RECIPES)
    for value, size, scale, rule, layout in product(
        (*VALUE_FORMATS, "none"), sizes, ScaleFormat, ScaleRule, ScaleLayout
    ):
        try:
            recipe = Recipe(value, size, scale, rule, layout)
        except ArgumentRefused:
            continue
        listed[recipe.text] = recipe
    return listed
