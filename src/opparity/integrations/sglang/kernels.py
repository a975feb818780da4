"""Functions with the signatures of SGLang's; what they do not take is left to SGLang's own."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

import torch

import opparity
from opparity.formats import GROUP_SIZES, Recipe, ScaleFormat, ScaleLayout, ScaleRule
from opparity.integrations.sglang import experts

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_LOG = logging.getLogger("sglang.opparity")
CALLS: Counter[str] = Counter()
# SGLang's functions by our names of them, as they were before the hooks.
ORIGINALS: dict[str, Callable[..., Any]] = {}
_said: set[tuple[str, str]] = set()
_PACK = 4


def silu_and_mul_masked(
    input: Tensor,
    output: Tensor,
    output_scale: Tensor,
    quant_group_size: int,
    masked_m: Tensor,
    scale_ue8m0: bool = False,
    topk: int = 8,
    transposed: bool = False,
    swiglu_limit: float | None = None,
    swizzle: bool = False,
) -> None:
    """Write SiLU times up of each expert's first masked_m rows, quantised by groups."""
    reason = _objection(output, output_scale, quant_group_size, scale_ue8m0, transposed, swizzle)
    if reason is not None:
        arguments = (input, output, output_scale, quant_group_size, masked_m, scale_ue8m0, topk)
        _leave("masked", reason)(*arguments, transposed, swiglu_limit, swizzle)
        return
    CALLS["masked"] += 1
    scales = output_scale.transpose(-1, -2) if transposed else output_scale
    recipe = _recipe(quant_group_size, packed=scale_ue8m0)
    name, numbers = _producer(swiglu_limit)
    experts.write(name, numbers, recipe, input, output, scales, masked_m)


def silu_and_mul_contiguous(
    input: Tensor,
    output: Tensor,
    output_scale: Tensor,
    quant_group_size: int,
    scale_ue8m0: bool = False,
    transposed: bool = False,
    swiglu_limit: float | None = None,
    swizzle: bool = False,
) -> None:
    """Write SiLU times up of each row, quantised by groups."""
    reason = _objection(output, output_scale, quant_group_size, scale_ue8m0, transposed, swizzle)
    if reason is not None:
        arguments = (input, output, output_scale, quant_group_size, scale_ue8m0, transposed)
        _leave("contiguous", reason)(*arguments, swiglu_limit, swizzle)
        return
    CALLS["contiguous"] += 1
    recipe = _recipe(quant_group_size, packed=scale_ue8m0)
    name, numbers = _producer(swiglu_limit)
    named = {} if not numbers else {"limit": numbers[0]}
    values, scales = getattr(opparity, name)(input, recipe, **named)
    output.copy_(values)
    output_scale.copy_(scales)


def per_token_group(
    input: Tensor,
    output_q: Tensor | None = None,
    output_s: Tensor | None = None,
    group_size: int = 128,
    scale_ue8m0: bool = False,
    fuse_silu_and_mul: bool = False,
    masked_m: Tensor | None = None,
    expected_m: int | None = None,
    *,
    out_dtype: torch.dtype | None = None,
    column_major_scales: bool = False,
    sorted_token_ids: Tensor | None = None,
    num_tokens_post_padded: Tensor | None = None,
    num_valid_tokens: int = 0,
    silu_and_mul_mode: str = "legacy",
) -> tuple[Tensor, Tensor]:
    """Return input, or SiLU times up of it, quantised by groups, in the caller's tensors if any."""
    dtype = output_q.dtype if output_q is not None else (out_dtype or torch.float8_e4m3fn)
    column_major = column_major_scales
    if output_s is not None:
        column_major = output_s.stride(-2) < output_s.stride(-1)
    reason = _group_objection(dtype, group_size, scale_ue8m0, column_major, sorted_token_ids)
    if reason is None and masked_m is not None and output_q is None:
        reason = "outputs of masked input are to be allocated"
    if reason is not None:
        return _leave("group", reason)(  # type: ignore[no-any-return] # SGLang's
            *(input, output_q, output_s, group_size, scale_ue8m0, fuse_silu_and_mul, masked_m),
            expected_m,
            out_dtype=out_dtype,
            column_major_scales=column_major_scales,
            sorted_token_ids=sorted_token_ids,
            num_tokens_post_padded=num_tokens_post_padded,
            num_valid_tokens=num_valid_tokens,
            silu_and_mul_mode=silu_and_mul_mode,
        )
    CALLS["group"] += 1
    name = "silu_and_mul" if fuse_silu_and_mul else "quantize"
    recipe = _recipe(group_size, packed=scale_ue8m0, column_major=column_major)
    if masked_m is not None:
        assert output_q is not None
        assert output_s is not None
        experts.write(name, (), recipe, input, output_q, output_s, masked_m)
        return output_q, output_s
    values, scales = getattr(opparity, name)(input.reshape(-1, input.shape[-1]), recipe)
    if output_q is None or output_s is None:
        return values.view(*input.shape[:-1], -1), _unflattened(scales, input)
    output_q.copy_(values.view(output_q.shape))
    output_s.copy_(_unflattened(scales, input))
    return output_q, output_s


def _unflattened(scales: Tensor, input: Tensor) -> Tensor:
    return scales if input.dim() == 2 else scales.unflatten(0, input.shape[:-1])  # noqa: PLR2004


def _producer(limit: float | None) -> tuple[str, tuple[float, ...]]:
    """Return the name and the numbers of SiLU with or without a limit."""
    return ("silu_and_mul", ()) if limit is None else ("silu_and_mul_with_clamp", (float(limit),))


def _recipe(group_size: int, *, packed: bool, column_major: bool = False) -> Recipe:
    if packed:
        kind, rule, layout = ScaleFormat.E8M0, ScaleRule.CEIL, ScaleLayout.PACKED
        return Recipe("float8_e4m3fn", group_size, kind, rule, layout)
    layout = ScaleLayout.COLUMN_MAJOR_PADDED if column_major else ScaleLayout.ROW_MAJOR
    return Recipe("float8_e4m3fn", group_size, ScaleFormat.FLOAT32, ScaleRule.AMAX, layout)


def _objection(
    output: Tensor, scales: Tensor, group_size: int, ue8m0: bool, transposed: bool, swizzle: bool
) -> str | None:
    """Return why Opparity does not take a fused activation, or None."""
    if swizzle:
        return "gate and up alternate in pieces of eight columns"
    if output.dtype != torch.float8_e4m3fn:
        return f"values are {output.dtype}"
    if group_size not in GROUP_SIZES:
        return f"groups have {group_size} elements"
    wanted = torch.int32 if ue8m0 else torch.float32
    if ue8m0 != transposed or scales.dtype != wanted:
        return f"scales are {scales.dtype} with UE8M0 {ue8m0} and transposed {transposed}"
    return None


def _group_objection(
    dtype: torch.dtype,
    group_size: int,
    ue8m0: bool,
    column_major: bool,
    sorted_token_ids: Tensor | None,
) -> str | None:
    """Return why Opparity does not take a quantisation, or None."""
    if sorted_token_ids is not None:
        return "rows are sorted by expert"
    if dtype != torch.float8_e4m3fn:
        return f"values are {dtype}"
    if group_size not in GROUP_SIZES:
        return f"groups have {group_size} elements"
    if ue8m0 and not column_major:
        return "exponents are packed row by row"
    return None


def _leave(name: str, reason: str) -> Callable[..., Any]:
    """Return SGLang's own function, and say once why it is left to it."""
    if (name, reason) not in _said:
        _said.add((name, reason))
        _LOG.warning("Opparity: %s is left to SGLang's own kernel: %s", name, reason)
    return ORIGINALS[name]


def load() -> None:
    """Load Opparity's operators."""
    opparity.load()
