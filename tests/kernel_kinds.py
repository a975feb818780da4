"""Kernels of experts' rows, of columns and of norms backward, to be compiled for GPUs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kernel_calls import numbers_of, text_of
from kernel_variants import ORDERS, Variant
from opparity.formats import RECIPES, ExpertLayout, Intermediate, Recipe, ScaleLayout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kernel_launches import Launcher

_TILES = ScaleLayout.SWIZZLE_128X4
_WIDTH = 7168
# Something is there.
_THERE = 4096


def kinds_of(launcher: Launcher) -> dict[str, tuple[str, ...]]:
    """Return the macros of some kernels of each kind, by their names."""
    found = {}
    for name, numbers in _calls():
        plan = launcher.plan(text_of(numbers))
        assert plan.launches
        found[name] = plan.defines
    return found


def _calls() -> Iterator[tuple[str, dict[str, int]]]:
    of_experts = {"experts": list(ExpertLayout).index(ExpertLayout.OFFSETS), "count": 8}
    weighted = of_experts | {"row_weights": _THERE}
    shapes = {"kMedium": _WIDTH, "kUnaligned": 330}
    quantised = (
        RECIPES["fp8_block"],
        RECIPES["deepgemm"],
        RECIPES["mxfp8"].with_layout(_TILES),
        RECIPES["nvfp4"].with_layout(_TILES),
        RECIPES["mxfp4"],
        RECIPES["fp8_tensor"],
        RECIPES["none"],
    )
    for recipe in quantised:
        for shape, width in shapes.items():
            yield (
                f"experts, {recipe}, {shape}",
                _numbers(variant_of(recipe, shape), width) | of_experts,
            )
    for shape, width in shapes.items():
        variant = replace(
            variant_of(RECIPES["fp8_block"], shape), intermediate=Intermediate.INPUT_DTYPE
        )
        yield f"experts with weights, {shape}", _numbers(variant, width) | weighted
    for shape, width in (("kWarpRow", 1024), ("kBlockRow", _WIDTH), ("kUnalignedRow", 331)):
        variant = replace(variant_of(RECIPES["fp8_token"], shape), by_token=True, width=width)
        yield f"experts, by token, {shape}", _numbers(variant, width) | of_experts
        yield f"experts with weights, by token, {shape}", _numbers(variant, width) | weighted
        for producer in ("rms_norm", "gated_rms_norm"):
            backward = replace(
                variant_of(RECIPES["none"], shape),
                producer=producer, gradient="bfloat16", weighted=True, width=width,
            )  # fmt: skip
            yield f"{producer} backward, {shape}", _numbers(backward, width)
    wide = variant_of(RECIPES["none"], "kBlockRow")
    wide = replace(wide, producer="rms_norm", gradient="float32", weighted=True, width=16384)
    yield "rms_norm backward, wide", _numbers(wide, 16384)
    yield "the weight's gradient", _numbers(wide, 16384) | {"adds": 1}
    for recipe in quantised[:3]:
        for shape, width in (("kMedium", _WIDTH), ("kUnalignedRow", 331)):
            columns = {"column_values": _THERE, "column_row_bytes": _WIDTH}
            numbers = _numbers(variant_of(recipe, shape), width)
            yield f"columns, {recipe}, {shape}", numbers | columns


def _numbers(variant: Variant, width: int) -> dict[str, int]:
    return numbers_of(variant, []) | {"hidden_size": width, "num_tokens": 16}


def variant_of(recipe: Recipe, shape: str) -> Variant:
    """Return the traits of a recipe for a bfloat16 activation."""
    size = recipe.group_size
    return Variant(
        "silu_and_mul", interleaved=False, input="bfloat16", intermediate=Intermediate.FLOAT32,
        value=recipe.value, group_size=size if isinstance(size, int) else None, rule=recipe.rule,
        byte=recipe.scale_is_byte, order=ORDERS.get(recipe.layout, "kStrided"), bound=False,
        tail=False, shape=shape,
    )  # fmt: skip
