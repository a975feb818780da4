"""torchao's MX and NVFP4 quantisers, and its layout of scales."""

from __future__ import annotations

import importlib
import warnings
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

import opparity
from crosschecks.comparison import Comparison, Found, by_group, bytes_of, compare, nibbles
from crosschecks.inputs import eight_tensors, every_amax, near_powers, normal, wide
from opparity.formats import VALUE_FORMATS

if TYPE_CHECKING:
    from types import ModuleType

PEER = f"torchao {version('torchao')}"
_DTYPES = {
    "float8_e4m3fn": torch.float8_e4m3fn,
    "float8_e5m2": torch.float8_e5m2,
    "float4_e2m1": torch.float4_e2m1fn_x2,
}
# torchao's mode for each of our rules.
_MODES = {"floor": "FLOOR", "ceil": "RCEIL", "even": "EVEN"}


def _module(name: str) -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"torchao.prototype.mx_formats.{name}")


def _both(input: Tensor, value: str, rule: str, mode: str) -> tuple[opparity.Quantized, Any, Any]:
    mx = _module("mx_tensor")
    theirs = mx.to_mx(input, _DTYPES[value], 32, mx.ScaleCalculationMode[mode])
    ours = opparity.quantize(input, f"{value}/32/float8_e8m0fnu/{rule}/row_major")
    return ours, *theirs


def _codes(values: Tensor, value: str) -> Tensor:
    return nibbles(values) if value == "float4_e2m1" else bytes_of(values)


def _mx(inputs: tuple[Tensor, ...], value: str, rule: str, mode: str) -> dict[str, Found]:
    scales, codes = Found(0, 0, 0), Found(0, 0, 0)
    for input in inputs:
        ours, their_scales, their_values = _both(input, value, rule, mode)
        amax = input.abs().unflatten(1, (-1, 32)).amax(dim=2)
        infinite, nan = amax.isinf(), amax.isnan()
        lowest = bytes_of(ours.scales) == 0
        scales += compare(ours.scales, their_scales, infinite & (rule != "ceil"))
        codes += compare(
            _codes(ours.values, value),
            _codes(their_values, value),
            by_group(infinite & (rule != "ceil") | nan | lowest, 32),
        )
    return {"scales": scales, "codes": codes}


def _mode_ceil(value: str) -> dict[str, Found]:
    """Compare with the mode that rounds the exponent of amax up and takes the format's off."""
    ours, scales, _ = _both(normal(), value, "floor", "CEIL")
    amax = normal().abs().unflatten(1, (-1, 32)).amax(dim=2).float()
    is_power = (amax.view(torch.int32) & 0x7FFFFF) == 0
    return {"scales": compare(ours.scales, scales, ~is_power)}


def _near_powers(value: str) -> dict[str, Found]:
    input = near_powers(VALUE_FORMATS[value].maximum)
    ours, scales, _ = _both(input, value, "ceil", "RCEIL")
    quotient = input[:, :1] / VALUE_FORMATS[value].maximum
    # log2 gives a whole number for the numbers next to a power of two.
    rounded = torch.log2(quotient) == torch.log2(quotient).round()
    above = (quotient.view(torch.int32) & 0x7FFFFF) > 0
    return {"scales": compare(ours.scales, scales, rounded & above)}


def _nvfp4_under(input: Tensor, encode: Tensor, decode: Tensor) -> dict[str, Found]:
    """Compare NVFP4 under a global scale, ours to multiply with and theirs to divide by."""
    scales, values = _module("nvfp4_tensor").nvfp4_quantize(input, per_tensor_scale=decode)
    ours = opparity.quantize(input, "nvfp4", scale=encode)
    different = bytes_of(ours.scales) != bytes_of(scales)
    amax = input.abs().unflatten(1, (-1, 16)).amax(dim=2).double()
    scaled = input.double() * by_group(encode.double() / ours.scales.double(), 16)
    known = by_group(different, 16) | _near_a_code_tie(scaled)
    return {
        "scales": compare(ours.scales, scales, _near_a_tie(amax / 6 * encode.double())),
        "codes": compare(nibbles(ours.values), nibbles(values), known),
    }


def _nvfp4_by_amax() -> dict[str, Found]:
    """Compare under the global scales of eight tensors."""
    scales, codes = Found(0, 0, 0), Found(0, 0, 0)
    for input in eight_tensors():
        amax = input.abs().max().float()
        decode = _module("nvfp4_tensor").per_tensor_amax_to_scale(amax)
        found = _nvfp4_under(input, 6.0 * 448.0 / amax, decode)
        scales, codes = scales + found["scales"], codes + found["codes"]
    return {"scales": scales, "codes": codes}


def _near_a_tie(numbers: Tensor) -> Tensor:
    """Return where a number is within a millionth of the middle of two E4M3 numbers."""
    low, high = (numbers * (1 + d) for d in (-1e-6, 1e-6))
    return low.to(torch.float8_e4m3fn).float() != high.to(torch.float8_e4m3fn).float()


def _near_a_code_tie(numbers: Tensor) -> Tensor:
    ties = torch.tensor([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0], dtype=torch.float64)
    place = torch.bucketize(numbers.abs(), ties)
    nearest = torch.minimum(
        (numbers.abs() - ties[(place - 1).clamp(min=0)]).abs(),
        (numbers.abs() - ties[place.clamp(max=6)]).abs(),
    )
    return nearest <= 1e-6 * numbers.abs()


def _nvfp4_zeros() -> dict[str, Found]:
    input = torch.zeros(64, 256, dtype=torch.bfloat16)
    scales, values = _module("nvfp4_tensor").nvfp4_quantize(
        input, per_tensor_scale=torch.tensor(1.0)
    )
    ours = opparity.quantize(input, "nvfp4", scale=1.0)
    everything = torch.ones((), dtype=torch.bool)
    return {
        "scales": compare(ours.scales, scales, everything),
        "codes": compare(nibbles(ours.values), nibbles(values)),
    }


def _tiles() -> dict[str, Found]:
    found = Found(0, 0, 0)
    for num_tokens, width in ((1, 32), (37, 96), (128, 128), (130, 1952), (300, 1024)):
        input = wide()[:num_tokens, :width].contiguous()
        quantized = [
            opparity.quantize(input, f"float8_e4m3fn/32/float8_e8m0fnu/ceil/{layout}")
            for layout in ("row_major", "swizzle_128x4")
        ]
        blocked = _module("utils").to_blocked(bytes_of(quantized[0].scales))
        found += compare(quantized[1].scales, blocked)
    return {"scales": found}


def _dequantised(value: str) -> dict[str, Found]:
    recipe = f"{value}/32/float8_e8m0fnu/ceil/row_major"
    ours = opparity.quantize(wide(), recipe)
    mx = _module("mx_tensor")
    theirs = mx.to_dtype(ours.values, ours.scales, _DTYPES[value], 32, torch.float32)
    return {"numbers": compare(ours.dequantize(), theirs.view(wide().shape))}


_FEW = "; "
_WHY_CODE_0 = "under exponent code 0 torchao divides by 2^-126, the scale being 2^-127"
_WHY_CODE_0_CEIL = "under exponent code 0 torchao leaves the numbers unscaled"
_WHY_NAN = "in a group with NaN every code of ours is NaN, torchao's of the NaN alone"
_WHY_NAN_FP4 = "of a group with NaN every code of ours is 0x7, as hardware gives"
_WHY_INFINITY = "an infinite amax has code 254 here, and 255 less the format's exponent there"


def _why(value: str, rule: str) -> str:
    reasons = [_WHY_CODE_0_CEIL if rule == "ceil" else _WHY_CODE_0]
    if value == "float4_e2m1":
        reasons.append(_WHY_NAN_FP4)
    elif rule != "ceil":
        reasons.append(_WHY_NAN)
    return _FEW.join(reasons if rule == "ceil" else [*reasons, _WHY_INFINITY])


COMPARISONS = (
    *(
        Comparison(
            PEER,
            f"to_mx, {mode}, {value}: normal and wide numbers",
            partial(_mx, (normal(), wide()), value, rule, mode),
        )
        for value in _DTYPES
        for rule, mode in _MODES.items()
    ),
    *(
        Comparison(
            PEER,
            f"to_mx, {mode}, {value}: every bfloat16 amax",
            partial(_mx, (every_amax(),), value, rule, mode),
            _why(value, rule),
        )
        for value in _DTYPES
        for rule, mode in _MODES.items()
    ),
    *(
        Comparison(
            PEER,
            f"to_mx, RCEIL, {value}: amax next to {VALUE_FORMATS[value].maximum:g} · 2^k",
            partial(_near_powers, value),
            "log2 rounds a quotient next above a power of two down to its exponent",
        )
        for value in _DTYPES
    ),
    *(
        Comparison(
            PEER,
            f"to_mx, CEIL, {value}, against our floor",
            partial(_mode_ceil, value),
            "the exponent of every amax that is no power of two is one higher; no other project "
            "has this rule, and we have not",
        )
        for value in _DTYPES
    ),
    *(
        Comparison(PEER, f"to_dtype, {value}, against dequantize", partial(_dequantised, value))
        for value in _DTYPES
    ),
    Comparison(PEER, "to_blocked, five shapes", _tiles),
    Comparison(
        PEER,
        "nvfp4_quantize, global scale 64",
        lambda: _nvfp4_under(normal(), torch.tensor(64.0), torch.tensor(1 / 64)),
    ),
    Comparison(
        PEER,
        "nvfp4_quantize, global scales of eight tensors' amaxes",
        _nvfp4_by_amax,
        "torchao keeps amax / 2688 where we keep 2688 / amax, each rounded, so that numbers in the "
        "middle of two codes can fall to either",
    ),
    Comparison(
        PEER,
        "nvfp4_quantize, zeros",
        _nvfp4_zeros,
        "a group of zeros has scale 0 here, as in TransformerEngine and vLLM, and 2^-6 there",
    ),
)
