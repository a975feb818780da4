"""opparity.tensor_scale: the one scale of a tensor, for recipes whose scale is given."""

from __future__ import annotations

import torch
from torch import Tensor

from opparity.formats import Recipe, ScaleRule
from opparity.operators.refusal import kind_of, refuse

_NAME = "tensor_scale"
_FLOATS = (torch.float16, torch.bfloat16, torch.float32)
# E4M3's largest number: a group's scale under a global one is of that format.
_LARGEST_SCALE = 448.0


def tensor_scale(tensor: Tensor, recipe: Recipe | str) -> Tensor:
    """Return the scale that brings a tensor's largest magnitude to the end of a format's range.

    It is computed where the tensor is, without waiting for the device: hand it over as `scale`.
    The largest of many numbers is the same in any order, and what follows is one division, so it
    has the same bits everywhere (docs/numerics.md, section 4).

    Args:
        tensor: what is to be quantised, such as a weight or a sample of activations; float16,
            bfloat16 or float32.
        recipe: one whose scale is given: "fp8_tensor" and its like, or "nvfp4", whose global scale
            is what the groups' scales are multiplied by.

    Returns:
        A float32 number, []. Of a tensor of zeros, or of none, it is the minimum scale, and 1 for
        NVFP4; of a tensor with NaN it is NaN.

    Raises:
        ArgumentRefused: for another recipe or dtype.
    """
    if not isinstance(tensor, Tensor):
        refuse(_NAME, f"tensor is {kind_of(tensor)}; allowed: a tensor; pass one")
    kind = recipe if isinstance(recipe, Recipe) else Recipe.parse(recipe)
    if kind.rule not in (ScaleRule.GIVEN, ScaleRule.GLOBAL) or kind.format is None:
        refuse(
            _NAME, f"the scales of '{recipe}' are computed; allowed: a recipe whose scale is given"
        )
    if tensor.dtype not in _FLOATS:
        refuse(
            _NAME, f"tensor has dtype {tensor.dtype}; allowed: float16, bfloat16, float32; cast it"
        )
    largest = tensor.new_zeros((), dtype=torch.float32)
    if tensor.numel():
        largest = tensor.abs().amax().float()
    # A tensor and no number: by a number CUDA multiplies with its reciprocal.
    maximum = torch.full_like(largest, kind.format.maximum)
    if kind.rule is ScaleRule.GIVEN:
        return (largest / maximum).clamp_min(kind.format.minimum_scale)
    scale = (maximum * _LARGEST_SCALE / largest).clamp_max(torch.finfo(torch.float32).max)
    return torch.where(largest == 0, 1.0, scale)
