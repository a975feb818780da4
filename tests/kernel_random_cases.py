"""Random calls of the CPU kernel alone, where torch does not run: emulated, or with sanitizers."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from kernel_cases import Case
from opparity.formats import INPUT_DTYPES, RECIPES, Intermediate, ScaleRule, accepted_recipes
from opparity.operators import PRODUCERS

if TYPE_CHECKING:
    from collections.abc import Iterator

_WIDTHS = (1, 2, 3, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257, 346, 600)
_TOKENS = (1, 2, 3, 5, 10, 33, 130)
_MOST_ELEMENTS = 4000
_SCALES = (0.37, 90.0, 1.0, 1e-30, 3e38)


def random_cases(count: int, seed: int = 0) -> Iterator[Case]:
    """Yield so many calls of any producer with any recipe, the same ones for the same seed."""
    random = Random(seed)  # noqa: S311 -- not for secrets
    recipes = sorted(set(accepted_recipes().values()), key=str)
    for _ in range(count):
        producer, recipe = random.choice(PRODUCERS), random.choice(recipes)
        gradient = None
        dtype = random.choice(INPUT_DTYPES)
        if not producer.reduces and producer.name != "identity" and random.random() < 0.1:
            recipe, gradient = RECIPES["none"], random.choice((dtype, "float32"))
        width = random.choice(_WIDTHS)
        if recipe.format is not None and recipe.format.bits < 8:
            width += width % 2
        needs_scale = recipe.rule in (ScaleRule.GIVEN, ScaleRule.GLOBAL)
        is_bounded = recipe.rule is ScaleRule.AMAX and random.random() < 0.3
        yield Case(
            producer,
            recipe,
            dtype,
            random.choice(list(Intermediate)),
            interleaved=producer.gated and random.random() < 0.5,
            gradient=gradient,
            num_tokens=random.choice([t for t in _TOKENS if t * width <= _MOST_ELEMENTS]),
            hidden_size=width,
            scale=random.choice(_SCALES) if needs_scale else None,
            scale_ub=random.choice((0.003, 1e-9, float("inf"))) if is_bounded else None,
            residual=random.randrange(3) if producer.reduces and not producer.takes_gate else 0,
            weighted=producer.reduces and random.random() < 0.8,
            bounds_amax=is_bounded and random.random() < 0.5,
            sums=gradient is None and not producer.reduces and random.random() < 0.2,
        )
