"""opparity.quantize_weight: a weight in blocks of 128 x 128, as DeepSeek's checkpoints have it."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from opparity.formats import RECIPES
from opparity.operators.functions import quantize
from opparity.operators.refusal import call_as, kind_of, refuse

_NAME = "quantize_weight"
BLOCK = 128
_MATRIX = 2
# A block is quantised as a row of 16,384 numbers.
_RECIPES = {
    getattr(torch, recipe.value): name for name, recipe in RECIPES.items() if recipe.by_token
}


def quantize_weight(
    weight: Tensor, dtype: torch.dtype = torch.float8_e4m3fn
) -> tuple[Tensor, Tensor]:
    """Return a weight's values and scales in blocks of 128 x 128, as DeepSeek and Qwen store them.

    Each block has one scale, by the rule `amax` over its numbers: the same bits on every platform
    (docs/numerics.md, section 4). The last rows and columns may be less than a block. Nothing has a
    gradient, whether or not the weight requires one; a block with NaN has a scale of NaN.

    Args:
        weight: [..., out_features, in_features], such as [num_experts, out_features, in_features];
            float16, bfloat16 or float32.
        dtype: of the values: float8_e4m3fn, float8_e4m3fnuz (AMD's MI300) or int8.

    Returns:
        The values, in the weight's shape, and the scales, float32
        [..., ceil(out_features / 128), ceil(in_features / 128)], what to multiply values with: the
        `weight_scale_inv` of a checkpoint.

    Raises:
        ArgumentRefused: for what is no matrix, or another dtype of the values.
        RuntimeError: for another dtype of the weight.
    """
    if not isinstance(weight, Tensor):
        refuse(_NAME, f"weight is {kind_of(weight)}; allowed: a tensor; pass one")
    if weight.dim() < _MATRIX:
        refuse(
            _NAME,
            f"weight has shape {list(weight.shape)}; allowed: [..., out_features, in_features]; "
            "pass a matrix, or several",
        )
    if dtype not in _RECIPES:
        allowed = ", ".join(str(known).removeprefix("torch.") for known in _RECIPES)
        given = str(dtype).removeprefix("torch.")
        refuse(_NAME, f"dtype is {given}; allowed: {allowed}; choose one")
    *leading, rows, columns = weight.shape
    padded = pad(weight.detach(), (0, -columns % BLOCK, 0, -rows % BLOCK))
    across = padded.shape[-1] // BLOCK
    # Of all matrices, one below the other.
    down = padded.shape[:-1].numel() // BLOCK
    blocks = padded.reshape(down, BLOCK, across, BLOCK).transpose(1, 2)
    blocks = blocks.reshape(down * across, BLOCK * BLOCK)
    values, scales = call_as(_NAME, "quantize", quantize, blocks, _RECIPES[dtype])
    laid = values.view(torch.uint8).view(down, across, BLOCK, BLOCK).transpose(1, 2)
    whole = laid.reshape(padded.shape)[..., :rows, :columns].contiguous()
    return whole.view(dtype), scales.view(*leading, -(-rows // BLOCK), across)
