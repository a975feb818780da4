"""The golden cases of operators that quantise a gradient."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from opparity.formats import INPUT_DTYPES, RECIPES, Intermediate, ScaleLayout
from opparity.operators import producer_named
from opparity.operators.case import Case, given_scale
from opparity.operators.fillings import Filling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.operators.declaration import Operator

_ROWS = ("fp8_block", "mxfp8", "nvfp4", "fp8_tensor")
_MORE_ROWS = ("int8_block", "fp8_block_64", "deepgemm", "mxfp4", "fp8_block_fnuz")
_COLUMNS = ("fp8_block", "mxfp8")
_MORE_COLUMNS = ("int8_block", "fp8_block_64", "deepgemm")


def cases_of_gradients(operator: Operator) -> Iterator[Case]:
    """Yield cases of each kind of recipe; the activations of DeepSeek and Nemotron have more."""
    name, producer = operator.qualified_name, producer_named(operator.producer)
    dtypes, intermediates = cycle(INPUT_DTYPES), cycle((Intermediate.FLOAT32, Intermediate.PRODUCT))
    texts = list(_COLUMNS if operator.has_columns else _ROWS)
    layouts = [RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4)]
    if producer.name in ("silu_and_mul", "relu_squared"):
        texts += _MORE_COLUMNS if operator.has_columns else _MORE_ROWS
    else:
        layouts = []
    # The first two widths are multiples of every group size, as halves have to be.
    widths = cycle((256, 384, 304) if not producer.gated else (256, 384))
    for number, recipe in enumerate([*(RECIPES[text] for text in texts), *layouts]):
        for filling in (Filling.ACTIVATIONS, Filling.PATTERNS):
            alternates = producer.gated and (filling is Filling.PATTERNS) == (number % 2 == 0)
            yield Case(
                name,
                filling,
                (130, 37, 24)[number % 3],
                # A short last group, where none could have numbers of gates and of ups.
                264 if alternates and number % 3 == 1 else next(widths),
                next(dtypes),
                recipe,
                next(intermediates),
                interleaved=alternates,
                scale=given_scale(recipe),
            )
        if number % 3 == 1:
            next(dtypes)
            next(intermediates)
    for dtype in ("float16", "bfloat16"):
        yield Case(name, Filling.EVERY_GATE, 64, 1024, dtype, RECIPES["mxfp8"])
