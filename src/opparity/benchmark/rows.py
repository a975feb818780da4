"""Which rows `opparity benchmark` times: the tables of docs/benchmarks.md."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from opparity.benchmark.workload import Workload
from opparity.formats import RECIPES, Intermediate, ScaleLayout
from opparity.operators import ELEMENTWISE, general_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTHS = (7168, 2048, 14336, 18432)
_TOKENS = (1, 16, 64, 256, 1024, 4096, 16384)
_FEW_TOKENS = (1, 16, 64, 256, 4096)
_BASELINE_TOKENS = (64, 1024, 4096)
_CPU_SIZES = ((1, 14336), (16, 14336), (512, 14336))
_QUICK_CPU_SIZES = ((64, 2048),)
_QUICK_TOKENS = (1, 64, 1024, 16384)

# The rows of the family: every producer in the default format, and every recipe of the commonest
# producer, and what models pair otherwise.
_FAMILY: tuple[Workload, ...] = (
    *(Workload(1, _WIDTHS[0], producer=producer.name) for producer in ELEMENTWISE),
    *(Workload(1, _WIDTHS[0], recipe=recipe) for recipe in RECIPES.values()),
    Workload(1, _WIDTHS[0], recipe=RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4)),
    Workload(1, _WIDTHS[0], recipe=RECIPES["nvfp4"].with_layout(ScaleLayout.SWIZZLE_128X4)),
    Workload(1, _WIDTHS[0], producer="silu_and_mul_with_clamp", recipe=RECIPES["deepgemm"]),
    Workload(1, _WIDTHS[0], producer="swigluoai_and_mul", recipe=RECIPES["mxfp8"]),
    Workload(
        1, _WIDTHS[0], producer="swigluoai_and_mul", recipe=RECIPES["mxfp8"], interleaved=True
    ),
    Workload(1, _WIDTHS[0], producer="relu_squared", recipe=RECIPES["fp8_tensor"]),
    Workload(1, _WIDTHS[0], producer="identity", recipe=RECIPES["mxfp8"]),
    Workload(1, _WIDTHS[0], producer="identity", recipe=RECIPES["nvfp4"]),
)


# Norms, as decoders call them in front of attention, of MLPs and behind linear attention.
_NORMS: tuple[Workload, ...] = tuple(
    Workload(1, _WIDTHS[0], producer=producer, recipe=RECIPES[recipe], adds=adds)
    for producer, adds in (("rms_norm", False), ("rms_norm", True), ("gated_rms_norm", False))
    for recipe in ("none", "fp8_token", "fp8_block", "int8_token", "mxfp8", "nvfp4")
)


def rows(
    device_type: str, *, quick: bool, operator: str | None = None, recipe: str | None = None
) -> Sequence[Workload]:
    """Return the rows for "cpu" or "cuda".

    Args:
        device_type: where they run.
        quick: few sizes of the commonest row.
        operator: a general operator's name; only its rows.
        recipe: a name of RECIPES; only its rows.
    """
    if quick:
        listed = _quick(device_type)
    elif operator is None and recipe is None:
        listed = [*_commonest(device_type), *_family(device_type)]
    else:
        listed = _family(device_type)
    return [
        row
        for row in dict.fromkeys(listed)
        if (operator is None or row.operator == operator)
        and (recipe is None or row.recipe == RECIPES[recipe])
    ]


def operators() -> list[str]:
    """Return the general operators' names."""
    return list(dict.fromkeys([*map(general_name, ELEMENTWISE), *(row.operator for row in _NORMS)]))


def _quick(device_type: str) -> list[Workload]:
    if device_type == "cpu":
        return [Workload(*size, has_baselines=True) for size in _QUICK_CPU_SIZES]
    return [Workload(n, _WIDTHS[0], has_baselines=n == _BASELINE_TOKENS[0]) for n in _QUICK_TOKENS]


def _commonest(device_type: str) -> list[Workload]:
    if device_type == "cpu":
        return [Workload(*size, has_baselines=True) for size in _CPU_SIZES]
    listed = [
        Workload(tokens, width, has_baselines=width == _WIDTHS[0] and tokens in _BASELINE_TOKENS)
        for width in _WIDTHS
        for tokens in _TOKENS
    ]
    default = Workload(1, _WIDTHS[0])
    variants = (
        replace(default, recipe=RECIPES["fp8_block_64"]),
        replace(default, recipe=RECIPES["fp8_block"].with_layout(ScaleLayout.COLUMN_MAJOR)),
        replace(default, input_dtype=torch.float16),
        replace(default, input_dtype=torch.float32),
        replace(default, recipe=RECIPES["int8_block"]),
        replace(default, recipe=RECIPES["fp8_block_fnuz"]),
        replace(default, intermediate=Intermediate.INPUT_DTYPE),
    )
    return listed + [
        replace(variant, num_tokens=tokens)
        for variant in variants
        for tokens in (64, 1024, 4096, 16384)
    ]


def _family(device_type: str) -> list[Workload]:
    if device_type == "cpu":
        return [
            replace(row, num_tokens=512, hidden_size=14336, has_baselines=True)
            for row in (*_FAMILY, *_NORMS)
        ]
    return [replace(row, num_tokens=n) for row in (*_FAMILY, *_NORMS) for n in _FEW_TOKENS]
