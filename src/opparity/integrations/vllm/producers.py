"""Fused activations for linears of vLLM's that say they take quantised input, and get none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from vllm.model_executor.layers.activation import SiluAndMul
from vllm.model_executor.layers.fusion import fused_act_quant
from vllm.model_executor.layers.fusion.quant_activation import QuantizedActivation
from vllm.model_executor.layers.quantization.utils.quant_utils import (
    kFp8DynamicTokenSym,
    kMxfp8Dynamic,
)
from vllm.platforms import current_platform

import opparity
from opparity.formats import RECIPES, Recipe, ScaleLayout

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from opparity.platforms import Platform

_MXFP8 = RECIPES["mxfp8"].with_layout(ScaleLayout.SWIZZLE_128X4)
_MXFP8_GROUP = 32


def install_mxfp8(platform: Platform) -> Callable[[], None]:
    """Add the row for MXFP8, with scales in tiles of 128 x 4 as FlashInfer's linears take them."""
    del platform

    def produce(x: Tensor, linear: object) -> Any:  # noqa: ANN401 -- vLLM's QuantizedActivation
        del linear
        values, scales = _quantised(x, _MXFP8)
        return _activation(x, values, scales.view(torch.uint8), kMxfp8Dynamic)

    return _add((SiluAndMul, kMxfp8Dynamic), produce, _whole_groups)


def install_per_token(platform: Platform) -> Callable[[], None]:
    """Add the row for FP8 with a scale for each token, as AITER's linears take it."""
    del platform
    fnuz = current_platform.fp8_dtype() is torch.float8_e4m3fnuz
    recipe = RECIPES["fp8_token_fnuz" if fnuz else "fp8_token"]

    def produce(x: Tensor, linear: object) -> Any:  # noqa: ANN401 -- vLLM's QuantizedActivation
        del linear
        return _activation(x, *_quantised(x, recipe), kFp8DynamicTokenSym)

    return _add((SiluAndMul, kFp8DynamicTokenSym), produce, None)


def _quantised(x: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    values, scales = opparity.silu_and_mul(x.reshape(-1, x.shape[-1]), recipe)
    return values, scales


def _activation(x: Tensor, values: Tensor, scales: Tensor, key: Any) -> Any:  # noqa: ANN401 -- vLLM's
    return QuantizedActivation(
        data=values,
        scale=scales,
        orig_dtype=x.dtype,
        orig_shape=torch.Size((*x.shape[:-1], x.shape[-1] // 2)),
        quant_key=key,
    )


def _whole_groups(activation: object, x: Tensor, linear: object) -> bool:
    """Return whether the product's width is a whole number of MXFP8's groups."""
    del activation, linear
    return bool((x.shape[-1] // 2) % _MXFP8_GROUP == 0)


def _add(
    row: tuple[Any, Any],
    produce: Callable[..., Any],
    supports: Callable[..., bool] | None,
) -> Callable[[], None]:
    """Add a row that vLLM does not have; return how to undo it."""
    opparity.load()
    rows = fused_act_quant._FUSED_ACT_QUANT  # noqa: SLF001 -- vLLM fills it by hand
    conditions = fused_act_quant._FUSED_ACT_QUANT_SUPPORT  # noqa: SLF001 -- the same
    if row in rows:
        raise LookupError(f"it has a producer for {row[1]} itself")
    rows[row] = produce
    if supports is not None:
        conditions[row] = supports

    def undo() -> None:
        del rows[row]
        conditions.pop(row, None)

    return undo
