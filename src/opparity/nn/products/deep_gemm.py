"""DeepGEMM's product for FP8 with scales by 1 x 128 and 128 x 128, where that package is installed.

It has not run on a GPU yet. It follows DeepGEMM's sources, and serves only where it is asked for: a
package that somebody installs must not change a model's bits.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = 128
_HOPPER = (9, 0)


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
    return lacking()


def lacking() -> str | None:
    """Return why the package cannot be used, or None."""
    # The compiler imports nothing while it traces; who asked for the product was told before.
    if torch.compiler.is_compiling():
        return None
    try:
        function = getattr(import_module("deep_gemm"), "fp8_gemm_nt", None)
    except ModuleNotFoundError as error:
        return f"no package {error.name} is installed"
    except Exception as error:  # noqa: BLE001 -- it compiles and loads a library of its own
        return f"deep_gemm does not load: {type(error).__name__}: {error}"
    if function is None:
        return "deep_gemm has no fp8_gemm_nt; it needs CUDA 12.1, and not too old a version"
    return None


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the product as DeepGEMM computes it, its float32 sums rounded once."""
    if dtype != torch.bfloat16:
        refuse(
            "quantized_linear",
            f"the result is {dtype} and the product deep_gemm; allowed: torch.bfloat16, all that "
            "DeepGEMM makes on sm_90; take another dtype, or another product by ask_for_product",
        )
    package: Any = import_module("deep_gemm")
    found = values.new_empty((values.shape[0], weight.shape[0]), dtype=dtype)
    # It copies scales whose groups do not start at multiples of 16 bytes.
    package.fp8_gemm_nt(
        (values.contiguous(), scales), (weight.contiguous(), weight_scales.contiguous()), found
    )
    return found
