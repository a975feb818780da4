"""Linear modules of a model as Opparity's: what is quantised already keeps its codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from opparity.errors import ArgumentRefused
from opparity.integrations.transformers.table import MODULE, objection
from opparity.nn import BlockFP8Linear, Int8Linear
from opparity.nn.checkpoint import OTHERWISE

if TYPE_CHECKING:
    from opparity.nn import QuantizedLinear

_BLOCK = 128
# The recipes that a model which is not quantised may be given, and the module of each.
KINDS: dict[str, type[QuantizedLinear]] = {
    "fp8_block": BlockFP8Linear,
    "int8_token": Int8Linear,
}
_FLOATS = (torch.bfloat16, torch.float16, torch.float32)


def is_quantized(module: nn.Module) -> bool:
    """Return whether a module is a linear layer whose weight is quantised."""
    weight = getattr(module, "weight", None)
    if not isinstance(module, nn.Linear) or not isinstance(weight, torch.Tensor):
        return False
    return weight.dtype not in _FLOATS


def quantized(linear: nn.Module, recipe: str | None, dtype: torch.dtype) -> QuantizedLinear | str:
    """Return a linear module on Opparity's operators, or why there is none.

    Args:
        linear: of torch, of transformers' FineGrainedFP8 or of compressed-tensors.
        recipe: of weights that are not quantised; None to leave these as they are.
        dtype: of the result.
    """
    weight, bias = getattr(linear, "weight", None), getattr(linear, "bias", None)
    if not isinstance(weight, torch.Tensor):
        return f"{type(linear).__name__} has no weight"
    if weight.is_meta:
        return "its weights are on the meta device"
    if linear._forward_pre_hooks or linear._forward_hooks or hasattr(linear, "_hf_hook"):  # noqa: SLF001
        return "hooks are called around its linear modules"
    bias = None if bias is None else bias.detach()
    scales = getattr(linear, "weight_scale_inv", getattr(linear, "weight_scale", None))
    if weight.dtype in _FLOATS:
        if type(linear) is not nn.Linear:
            return f"{type(linear).__name__} is not torch.nn.Linear"
        if recipe is None:
            return f"its weights are {weight.dtype}; pass recipe= to have them quantised"
        try:
            return KINDS[recipe].from_weight(weight.detach(), bias, dtype=dtype)
        except ArgumentRefused as error:
            return str(error)
    reason = _reason_to_leave(linear, weight)
    if reason is not None:
        return reason
    if not isinstance(scales, torch.Tensor):
        return f"its weight is {weight.dtype} and has no scales"
    return _as_they_are(weight.detach(), scales.detach().float(), bias, dtype)


def _reason_to_leave(linear: nn.Module, weight: torch.Tensor) -> str | None:
    """Return why a layer that is quantised cannot be served by its codes and scales, or None."""
    if type(linear).__module__ == MODULE and (untried := objection()) is not None:
        return untried
    if getattr(linear, "activation_scheme", "dynamic") != "dynamic":
        return "its activations have a scale that is given"
    if hasattr(linear, "quantization_scheme"):
        reason = _reason_of_scheme(linear.quantization_scheme, is_int8=weight.dtype == torch.int8)
        if reason is not None:
            return reason
    further = [name for name in OTHERWISE if getattr(linear, name, None) is not None]
    if further:
        return f"it has {', '.join(further)}, which Opparity's modules do not read"
    return None


def _reason_of_scheme(scheme: Any, *, is_int8: bool) -> str | None:  # noqa: ANN401 -- theirs
    """Return why compressed-tensors' scheme is not that of the modules, or None."""
    activations = getattr(scheme, "input_activations", None)
    if activations is None:
        return "its scheme quantises no activations, and Opparity's modules do"
    wanted = ("token", None) if is_int8 else ("group", _BLOCK)
    # A member of an enumeration whose values are texts, or such a text.
    strategy = getattr(activations.strategy, "value", activations.strategy)
    given = (strategy, activations.group_size)
    if given == wanted and activations.dynamic is True:
        return None
    return (
        f"its scheme quantises activations by {strategy}, group_size "
        f"{activations.group_size}, dynamic {activations.dynamic}; Opparity's modules do it by "
        f"{wanted[0]}, group_size {wanted[1]}, dynamic True"
    )


def _as_they_are(
    weight: torch.Tensor, scales: torch.Tensor, bias: torch.Tensor | None, dtype: torch.dtype
) -> QuantizedLinear | str:
    rows, columns = weight.shape
    blocks = (-(-rows // _BLOCK), -(-columns // _BLOCK))
    if weight.dtype == torch.float8_e4m3fn and tuple(scales.shape) == blocks:
        return BlockFP8Linear(weight, scales, bias, dtype=dtype)
    if weight.dtype == torch.int8 and scales.numel() == rows:
        return Int8Linear(weight, scales.reshape(rows, 1), bias, dtype=dtype)
    return (
        f"its weight is {weight.dtype} with scales of shape {tuple(scales.shape)}; Opparity has "
        "modules for float8_e4m3fn by blocks of 128 x 128 and int8 by rows"
    )
