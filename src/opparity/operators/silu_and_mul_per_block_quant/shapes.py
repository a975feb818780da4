"""The argument checks of silu_and_mul_per_block_quant, which are its fake: they see no data.

cpu_operator.cpp makes the same checks with the same words, and the tests compare them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from opparity.errors import ArgumentRefused
from opparity.formats import GROUP_SIZES, INPUT_DTYPES, VALUE_FORMATS, Intermediate

if TYPE_CHECKING:
    from collections.abc import Iterable

    import torch
    from torch import Tensor

NAME = "silu_and_mul_per_block_quant"


def fake(
    out: Tensor,
    input: Tensor,
    scales: Tensor,
    group_size: int,
    scale_ub: Tensor | None = None,
    is_scale_transposed: bool = False,
) -> None:
    """Check the default overload's arguments."""
    check(out, input, scales, group_size, scale_ub, is_scale_transposed)


def fake_intermediate(
    out: Tensor,
    input: Tensor,
    scales: Tensor,
    group_size: int,
    scale_ub: Tensor | None,
    is_scale_transposed: bool,
    intermediate: str,
) -> None:
    """Check the arguments of the overload that names the intermediate precision."""
    check(out, input, scales, group_size, scale_ub, is_scale_transposed, intermediate)


def check(
    out: Tensor,
    input: Tensor,
    scales: Tensor,
    group_size: int,
    scale_ub: Tensor | None = None,
    is_scale_transposed: bool = False,
    intermediate: str = Intermediate.FLOAT32,
) -> Tensor:
    """Return scales as [num_tokens, num_groups], or raise ArgumentRefused.

    Shapes, dtypes and strides are those that docs/operators/silu_and_mul_per_block_quant.md gives.
    """
    _check_input(input, group_size)
    num_tokens, hidden_size = input.shape[0], input.shape[1] // 2
    _check_out(out, num_tokens, hidden_size)
    by_token = _scales_by_token(scales, num_tokens, hidden_size // group_size, is_scale_transposed)
    if scale_ub is not None:
        if name_of(scale_ub.dtype) != "float32":
            _refuse(f"scale_ub has dtype {name_of(scale_ub.dtype)}; allowed: float32; cast it")
        if scale_ub.numel() != 1:
            _refuse(f"scale_ub has {scale_ub.numel()} elements; allowed: 1; give one bound for all")
    for name, tensor in (("out", out), ("scales", scales), ("scale_ub", scale_ub)):
        if tensor is not None and tensor.device != input.device:
            _refuse(
                f"{name} is on {tensor.device} and input on {input.device}; "
                "allowed: one device; move them together"
            )
    if intermediate not in tuple(Intermediate):
        _refuse(f"intermediate is '{intermediate}'; allowed: {', '.join(Intermediate)}; choose one")
    return by_token


def name_of(dtype: torch.dtype) -> str:
    """Return a dtype's name without torch's prefix."""
    return str(dtype).removeprefix("torch.")


def _refuse(detail: str) -> NoReturn:
    raise ArgumentRefused(operator=NAME, detail=detail)


def _words(values: Iterable[object]) -> str:
    return f"[{', '.join(str(value) for value in values)}]"


def _check_input(input: Tensor, group_size: int) -> None:
    if input.dim() != 2:  # noqa: PLR2004 -- the number of dimensions in the message
        _refuse(
            f"input has {input.dim()} dimensions; allowed: 2, [num_tokens, 2 * hidden_size]; "
            "flatten the leading ones"
        )
    if name_of(input.dtype) not in INPUT_DTYPES:
        _refuse(
            f"input has dtype {name_of(input.dtype)}; allowed: {', '.join(INPUT_DTYPES)}; cast it"
        )
    width = input.shape[1]
    if width % 2 or width == 0:
        _refuse(
            f"input is {width} wide; allowed: an even width of at least 2; "
            "concatenate gate and up in the last dimension"
        )
    if input.stride(1) != 1:
        _refuse(
            f"input's last dimension has stride {input.stride(1)}; allowed: 1; call contiguous()"
        )
    if group_size not in GROUP_SIZES:
        _refuse(
            f"group_size is {group_size}; allowed: {', '.join(map(str, GROUP_SIZES))}; choose one"
        )
    hidden_size = width // 2
    if hidden_size % group_size:
        padded = -(-hidden_size // group_size) * group_size
        _refuse(
            f"hidden_size is {hidden_size}; allowed: a multiple of group_size {group_size}; "
            f"pad the projection to {padded} or choose a group_size that divides it"
        )


def _check_out(out: Tensor, num_tokens: int, hidden_size: int) -> None:
    if out.dim() != 2 or out.shape[0] != num_tokens or out.shape[1] != hidden_size:  # noqa: PLR2004
        _refuse(
            f"out has shape {_words(out.shape)}; allowed: {_words((num_tokens, hidden_size))}, "
            "[num_tokens, hidden_size]; allocate it so"
        )
    if name_of(out.dtype) not in VALUE_FORMATS:
        _refuse(
            f"out has dtype {name_of(out.dtype)}; allowed: {', '.join(VALUE_FORMATS)}; "
            "allocate it so"
        )
    if (hidden_size > 1 and out.stride(1) != 1) or (num_tokens > 1 and out.stride(0) < hidden_size):
        _refuse(
            f"out has strides {_words(out.stride())}; allowed: 1 in the last dimension and at "
            f"least {hidden_size} in the first; allocate it so"
        )


def _scales_by_token(
    scales: Tensor, num_tokens: int, num_groups: int, is_scale_transposed: bool
) -> Tensor:
    """Return scales as [num_tokens, num_groups], whichever way round it came."""
    if name_of(scales.dtype) != "float32":
        _refuse(f"scales has dtype {name_of(scales.dtype)}; allowed: float32; allocate it so")
    shape = tuple(scales.shape)
    view, by_token = scales, shape == (num_tokens, num_groups)
    swapped = is_scale_transposed and shape == (num_groups, num_tokens)
    # With as many groups as tokens the shape does not tell; the strides do.
    if swapped and (not by_token or scales.stride(0) >= scales.stride(1)):
        view, by_token = scales.t(), True
    if not by_token:
        allowed = _words((num_tokens, num_groups)) + ", [num_tokens, num_groups]"
        if is_scale_transposed:
            allowed = (
                _words((num_groups, num_tokens)) + ", [num_groups, num_tokens], "
                "or the transposed view of such a tensor"
            )
        _refuse(f"scales has shape {_words(shape)}; allowed: {allowed}; allocate it so")
    if (
        is_scale_transposed
        and num_tokens > 1
        and num_groups > 1
        and view.stride(0) > view.stride(1)
    ):
        _refuse(
            f"scales has strides {_words(scales.stride())} and is_scale_transposed is True; "
            "allowed: a group's scales next to each other; "
            "pass the transposed view of a [num_groups, num_tokens] tensor"
        )
    if _self_overlapping(view):
        _refuse(
            f"scales has strides {_words(scales.stride())}, so that elements share memory; "
            "allowed: a place for each scale; allocate it so"
        )
    return view


def _self_overlapping(tensor: Tensor) -> bool:
    """Return whether the inner dimension, by stride, reaches into the outer one's next step."""
    extents = [(s, n) for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n > 1]
    extents.sort()
    reach = 0
    for stride, size in extents:
        if stride <= reach:
            return True
        reach += stride * (size - 1)
    return False
