"""DeepGEMM's product for FP8 with scales by 1 x 128 and 128 x 128, where that package is installed.

It serves only where it is asked for: a package that somebody installs must not change a model's
bits.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 128
_HOPPER = (9, 0)
_PACKAGE = "deep_gemm"
# TMA reads from multiples of 16 bytes, which are four scales.
_ALIGNMENT = 4


def objection(device: torch.device, in_features: int, out_features: int) -> str | None:
    """Return why DeepGEMM is not there, or would refuse these matrices."""
    if device.type != "cuda" or torch.version.hip is not None:
        return f"DeepGEMM multiplies on NVIDIA alone; the device is {device}"
    found = torch.cuda.get_device_capability(device)
    if found != _HOPPER:
        # From sm_100 on it keeps of each scale the exponent alone, and these are no powers of two.
        major, minor = found
        return f"DeepGEMM takes float32 scales on sm_90 alone; the device is sm_{major}{minor}"
    if in_features % _BLOCK or out_features % _BLOCK:
        return f"the weight is {out_features} x {in_features}; whole blocks of {_BLOCK} are needed"
    if find_spec(_PACKAGE) is None:
        return f"no package {_PACKAGE} is installed"
    try:
        function = getattr(import_module(_PACKAGE), "fp8_gemm_nt", None)
    except Exception as error:  # noqa: BLE001 -- it compiles and loads a library of its own
        return f"{_PACKAGE} does not load: {type(error).__name__}: {error}"
    return None if function is not None else f"{_PACKAGE} has no fp8_gemm_nt; install a newer one"


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the product as DeepGEMM computes it, its float32 sums rounded once."""
    package: Any = import_module(_PACKAGE)
    # It makes no float16.
    made = torch.bfloat16 if dtype == torch.bfloat16 else torch.float32
    found = values.new_empty((values.shape[0], weight.shape[0]), dtype=made)
    package.fp8_gemm_nt(
        (values.contiguous(), aligned(scales)),
        (weight.contiguous(), weight_scales.contiguous()),
        found,
    )
    return found.to(dtype)


def aligned(scales: Tensor) -> Tensor:
    """Return scales [tokens, groups] whose groups start at multiples of 16 bytes, as they may."""
    tokens, groups = scales.shape
    step = -(-tokens // _ALIGNMENT) * _ALIGNMENT
    if scales.stride() == (1, step):
        return scales
    rows = functional.pad(scales.t(), (0, step - tokens)).contiguous()
    return rows.as_strided((tokens, groups), (1, step))
