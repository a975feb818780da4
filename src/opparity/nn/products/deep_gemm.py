"""DeepGEMM's product for FP8 with scales by 1 x 128 and 128 x 128, where that package is installed.

It serves only where it is asked for: a package that somebody installs must not change a model's
bits. docs/modules.md says where it ran.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

from opparity.nn.products import hopper
from opparity.operators.refusal import refuse

if TYPE_CHECKING:
    from torch import Tensor

_PACKAGE = "deep_gemm"


def objection(device: torch.device, in_features: int, out_features: int) -> str | None:
    """Return why DeepGEMM is not there, or would refuse these matrices."""
    # From sm_100 on it keeps of each scale the exponent alone, and these are no powers of two.
    reason = hopper.objection("deep_gemm", device, in_features, out_features)
    # torch's compiler imports nothing while it traces; `multiply` asks once more.
    if reason is not None or torch.compiler.is_compiling():
        return reason
    return lacking()


def lacking() -> str | None:
    """Return why the package cannot be used, or None."""
    try:
        function = getattr(import_module(_PACKAGE), "fp8_gemm_nt", None)
    except Exception as error:  # noqa: BLE001 -- it compiles and loads a library of its own
        if isinstance(error, ModuleNotFoundError) and error.name == _PACKAGE:
            return f"no package {_PACKAGE} is installed"
        return f"{_PACKAGE} does not load: {type(error).__name__}: {error}"
    if function is None:
        return f"{_PACKAGE} has no fp8_gemm_nt; it needs CUDA 12.1, and not too old a version"
    return None


def multiply(
    values: Tensor, scales: Tensor, weight: Tensor, weight_scales: Tensor, dtype: torch.dtype
) -> Tensor:
    """Return the product as DeepGEMM computes it, its float32 sums rounded once."""
    reason = lacking()
    if reason is not None:
        refuse("quantized_linear", f"the product is deep_gemm; {reason}; ask for another product")
    if dtype != torch.bfloat16:
        refuse(
            "quantized_linear",
            f"the result is {dtype} and the product deep_gemm; allowed: torch.bfloat16, all that "
            "DeepGEMM makes on sm_90; take another dtype, or another product by ask_for_product",
        )
    package: Any = import_module(_PACKAGE)
    found = values.new_empty((values.shape[0], weight.shape[0]), dtype=dtype)
    # It copies scales whose groups do not start at multiples of 16 bytes.
    package.fp8_gemm_nt(
        (values.contiguous(), scales), (weight.contiguous(), weight_scales.contiguous()), found
    )
    return found
