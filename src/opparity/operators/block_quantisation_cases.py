"""The cases of the first operator, which hold its bits since its first version."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from opparity.formats import GROUP_SIZES, INPUT_DTYPES, Intermediate, ScaleLayout, group_recipe
from opparity.operators.case import Case
from opparity.operators.fillings import Filling

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "silu_and_mul_per_block_quant.intermediate"
_FORMATS = ("float8_e4m3fn", "float8_e4m3fnuz", "int8")
_INTERMEDIATES = (Intermediate.FLOAT32, Intermediate.INPUT_DTYPE)


def block_quantisation_cases() -> Iterator[Case]:
    """Yield them in their first order."""
    fillings = (Filling.ACTIVATIONS, Filling.FINITE_PATTERNS)
    for filling, dtype, value, intermediate, size in product(
        fillings, INPUT_DTYPES, _FORMATS, _INTERMEDIATES, GROUP_SIZES
    ):
        yield Case(NAME, filling, 24, 768, dtype, group_recipe(value, size), intermediate)
    for dtype, value in product(INPUT_DTYPES, _FORMATS):
        yield Case(NAME, Filling.PATTERNS, 64, 512, dtype, group_recipe(value, 16))
        for bound in (None, 0.01):
            recipe = group_recipe(value, 64)
            yield Case(NAME, Filling.SPECIAL, 16, 1024, dtype, recipe, scale_ub=bound)
    for dtype, value, intermediate in product(("float16", "bfloat16"), _FORMATS, _INTERMEDIATES):
        recipe = group_recipe(value)
        yield Case(NAME, Filling.EVERY_GATE, 64, 1024, dtype, recipe, intermediate)
    # Widths that no tile divides, one token, many groups, scales by groups, a bound that bites.
    fp8 = group_recipe()
    by_groups = fp8.with_layout(ScaleLayout.COLUMN_MAJOR)
    fnuz_by_groups = group_recipe("float8_e4m3fnuz", layout=ScaleLayout.COLUMN_MAJOR)
    for num_tokens, hidden_size, dtype, recipe, limit in (
        (1, 7168, "bfloat16", fp8, None),
        (37, 7168, "bfloat16", fp8, None),
        (5, 18432, "bfloat16", group_recipe(group_size=64), None),
        (67, 2048, "bfloat16", by_groups, None),
        (8, 1024, "float16", fnuz_by_groups, None),
        (33, 1408, "bfloat16", fp8, 0.002),
        (33, 1408, "bfloat16", group_recipe("int8"), 0.002),
    ):
        yield Case(
            NAME, Filling.ACTIVATIONS, num_tokens, hidden_size, dtype, recipe, scale_ub=limit
        )
