"""compressed-tensors' MX scales and its packing of four-bit codes.

Its packages import transformers and huggingface_hub for other things; names of these are hollow.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.metadata import version
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

import opparity
from crosschecks.comparison import Comparison, Found, bytes_of, compare
from crosschecks.inputs import every_amax, normal, wide

PEER = f"compressed-tensors {version('compressed-tensors')}"
_HOLLOW = ("transformers", "huggingface_hub", "tqdm")


class _HollowModule(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _Finder(MetaPathFinder, Loader):
    """Finds hollow modules where there are none."""

    def find_spec(
        self, name: str, _path: object = None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] not in _HOLLOW:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _HollowModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Fill nothing in."""


def _module(name: str) -> Any:  # noqa: ANN401 -- whatever the module has
    finder = _Finder()
    sys.meta_path.append(finder)
    try:
        return importlib.import_module(f"compressed_tensors.{name}")
    finally:
        sys.meta_path.remove(finder)
        for hollow in [m for m in sys.modules if m.partition(".")[0] in _HOLLOW]:
            if isinstance(sys.modules[hollow], _HollowModule):
                del sys.modules[hollow]


def _scales(num_bits: int) -> dict[str, Found]:
    """Compare exponents with our rule even, on every bfloat16 amax and on wide float32 ones."""
    mx = _module("quantization.utils.mxfp_utils")
    is_fp8 = num_bits == 8
    value = "float8_e4m3fn" if is_fp8 else "float4_e2m1"
    found = Found(0, 0, 0)
    for input in (every_amax(), wide()):
        amax = input.abs().unflatten(1, (-1, 32)).amax(dim=2)
        ours = opparity.quantize(input, f"{value}/32/float8_e8m0fnu/even/row_major")
        exponents = mx.generate_mx_scales(amax, num_bits)
        theirs = exponents.float().clamp(0, 255).nan_to_num(0).to(torch.uint8)
        rounded = _carries(amax.float(), 3) != _carries(amax.float(), 1)
        overflows = amax.float() >= 1.75 * 2.0**127
        known = ~amax.isfinite() | overflows | (is_fp8 & rounded)
        found += compare(ours.scales, theirs, known)
    return {"scales": found}


def _carries(amax: Tensor, mantissa_bits: int) -> Tensor:
    """Return where rounding to so many digits reaches the next power of two."""
    bits = amax.view(torch.int32)
    return ((bits + (1 << (22 - mantissa_bits))) >> 23) != (bits >> 23)


def _packing() -> dict[str, Found]:
    ours = opparity.quantize(normal(), "mxfp4")
    ones = torch.full_like(bytes_of(ours.scales), 127)
    numbers = opparity.Quantized(ours.values, ones.view(ours.scales.dtype), "mxfp4").dequantize()
    helpers = _module("compressors.nvfp4.helpers")
    packed = helpers.pack_fp4_to_uint8(numbers)
    unpacked = helpers.unpack_fp4_from_uint8(ours.values, *numbers.shape, dtype=torch.float32)
    return {"codes": compare(ours.values, packed), "numbers": compare(numbers, unpacked)}


COMPARISONS = (
    Comparison(
        PEER,
        "generate_mx_scales, 4 bits, against even",
        partial(_scales, 4),
        "infinity, NaN and what rounds to 2^128 have no code there",
    ),
    Comparison(
        PEER,
        "generate_mx_scales, 8 bits, against even",
        partial(_scales, 8),
        "the same, and its amax for FP8 is rounded to E2M1's one digit, not to E4M3's three",
    ),
    Comparison(PEER, "pack_fp4_to_uint8 and unpack_fp4_from_uint8", _packing),
)
