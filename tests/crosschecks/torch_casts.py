"""torch's casts and activations, on every number of 16 bits and on numbers next to ties."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

import opparity
from crosschecks.comparison import Comparison, Found, compare
from opparity.formats import VALUE_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

PEER = f"torch {torch.__version__.partition('+')[0]}"
_DTYPES = ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2")
_SIXTEEN_BITS = (torch.float16, torch.bfloat16)


def _every_number(dtype: torch.dtype) -> Tensor:
    patterns = torch.arange(1 << 16, dtype=torch.int32).to(torch.int16)
    return patterns.view(dtype).reshape(64, 1024)


def _cast(input: Tensor, value: str) -> Found:
    ours = opparity.quantize(input, f"{value}/tensor/float32/given/row_major", scale=1.0).values
    theirs = input.float().to(getattr(torch, value))
    beyond = input.float().abs() > VALUE_FORMATS[value].maximum
    return compare(ours, theirs, beyond | input.isnan())


def _casts(value: str) -> dict[str, Found]:
    first, second = (_cast(_every_number(dtype), value) for dtype in _SIXTEEN_BITS)
    return {"codes": first + second + _cast(_near_ties(value), value)}


def _near_ties(value: str) -> Tensor:
    """Return the middles of neighbouring codes, and the float32 numbers around them."""
    numbers = torch.arange(256, dtype=torch.uint8).view(getattr(torch, value)).float()
    limit = VALUE_FORMATS[value].maximum
    numbers = numbers[numbers.isfinite() & (numbers.abs() <= limit)].unique()
    middles = (numbers[1:] + numbers[:-1]) / 2
    middles = middles[middles != 0]
    steps = torch.arange(-2, 3, dtype=torch.int32)
    near: Tensor = (middles.view(torch.int32)[:, None] + steps).view(torch.float32)
    return near


def _int8() -> dict[str, Found]:
    found = Found(0, 0, 0)
    for dtype in _SIXTEEN_BITS:
        input = _every_number(dtype)
        ours = opparity.quantize(input, "int8_tensor", scale=1.0).values
        theirs = input.float().round().clamp(-128, 127).nan_to_num(0).to(torch.int8)
        found += compare(ours, theirs)
    return {"codes": found}


def _powers() -> dict[str, Found]:
    codes = torch.arange(255, dtype=torch.uint8).view(torch.float8_e8m0fnu)[:, None]
    ones = torch.full((255, 32), 0x38, dtype=torch.uint8).view(torch.float8_e4m3fn)
    ours = opparity.Quantized(ones, codes, "mxfp8").dequantize()
    return {"numbers": compare(ours, codes.float().expand(255, 32))}


def _decoded(value: str) -> dict[str, Found]:
    codes = torch.arange(256, dtype=torch.uint8).view(getattr(torch, value)).reshape(2, 128)
    recipe = opparity.Recipe.parse(f"{value}/128/float32/amax/row_major")
    ours = opparity.Quantized(codes, torch.ones(2, 1), recipe).dequantize()
    return {"numbers": compare(ours, codes.float(), codes.float().isnan())}


def _exact_gelu(x: Tensor) -> Tensor:
    normal: Tensor = torch.special.erfc(-x * 0.5**0.5)
    return x * normal / 2


def _exact_gelu_tanh(x: Tensor) -> Tensor:
    return x * torch.sigmoid(2 * (2 / math.pi) ** 0.5 * (x + 0.044715 * x**3))


_ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "silu_and_mul": (functional.silu, lambda x: x * torch.sigmoid(x)),
    "gelu_and_mul": (functional.gelu, _exact_gelu),
    "gelu_tanh_and_mul": (partial(functional.gelu, approximate="tanh"), _exact_gelu_tanh),
}


# Gates at which ours is the one further off: the exceptions that docs/numerics.md counts.
_FURTHER = {"gelu_and_mul": 0.1033935546875}


def _activation(name: str) -> dict[str, Found]:
    """Compare with torch's own activation on this CPU; the exact one is in float64."""
    function, exact = _ACTIVATIONS[name]
    found = Found(0, 0, 0)
    for dtype in _SIXTEEN_BITS:
        gate = _every_number(dtype)
        gate = torch.where(gate.isfinite(), gate, 1.0)
        ours = getattr(opparity, name)(torch.cat((gate, torch.ones_like(gate)), dim=1))
        theirs, result = function(gate), exact(gate.double())
        nearer = (ours.double() - result).abs() < (theirs.double() - result).abs()
        found += compare(ours, theirs, nearer | (gate.abs() == _FURTHER.get(name, math.inf)))
    return {"products": found}


_WHY = {
    "float8_e4m3fn": "torch keeps the sign of NaN",
    "float8_e5m2": "torch keeps infinity and the sign of NaN; we saturate",
    "float8_e4m3fnuz": "torch reaches to 240 and makes NaN of what is beyond; we saturate at 224",
}

COMPARISONS = (
    *(
        Comparison(
            PEER,
            f"to({value}): every 16-bit number, and ties and their neighbours",
            partial(_casts, value),
            _WHY[value],
        )
        for value in _DTYPES
    ),
    Comparison(PEER, "round, clamp, to(int8): every 16-bit number", _int8),
    *(
        Comparison(
            PEER,
            f"{value} to float32: every code",
            partial(_decoded, value),
            "the sign of NaN" if value == "float8_e4m3fnuz" else "",
        )
        for value in _DTYPES
    ),
    Comparison(PEER, "float8_e8m0fnu to float32: every power", _powers),
    *(
        Comparison(
            PEER,
            f"its own activation on this CPU, {name} with up 1: every finite 16-bit gate",
            partial(_activation, name),
            "ours is nearer to the exact result"
            + (" but at ±0.1034 in float16" if name in _FURTHER else ""),
        )
        for name in _ACTIVATIONS
    ),
)
