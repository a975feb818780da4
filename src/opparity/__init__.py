"""Opparity: the same operators, the same bits, on every platform.

Importing this package does not import torch.
An operator's function loads it when it is first touched.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_WITHOUT_TORCH = ("opparity.errors", "opparity.formats")
_FUNCTIONS = "opparity.operators.functions"
_GRADIENTS = "opparity.operators.gradient_functions"
_NORMS = "opparity.operators.norm_functions"

# Public name -> the module that holds it.
_PUBLIC = {
    "ExpertLayout": "opparity.formats",
    "Experts": "opparity.operators.experts",
    "Intermediate": "opparity.formats",
    "OpparityError": "opparity.errors",
    "Quantized": "opparity.operators.quantized",
    "QuantisedGroups": "opparity.operators.quantized",
    "Recipe": "opparity.formats",
    "RECIPES": "opparity.formats",
    "ScaleFormat": "opparity.formats",
    "ScaleLayout": "opparity.formats",
    "ScaleRule": "opparity.formats",
    "Sums": "opparity.operators.sums",
    "add_rms_norm": _NORMS,
    "dequantize": "opparity.operators.dequantisation",
    "gated_rms_norm": _NORMS,
    "gradient_rows_and_columns": _GRADIENTS,
    "load": "opparity.operators.registration",
    "providers": "opparity.operators.selection",
    "quantize": _FUNCTIONS,
    "quantize_gradient": _GRADIENTS,
    "quantize_weight": "opparity.operators.weight_blocks",
    "rms_norm": _NORMS,
    "rows_and_columns": "opparity.operators.column_functions",
    "silu_and_mul_per_block_quant": "opparity.operators.block_quantisation",
    "tensor_scale": "opparity.operators.tensor_scales",
    "warm_up": "opparity.warming",
}

# One function for each producer. The table is not asked: it would take longer to import than all of
# this, and a type checker would not see them.
gelu_and_mul: GatedFunction
gelu_quick: PlainFunction
gelu_tanh_and_mul: GatedFunction
relu_squared: PlainFunction
silu_and_mul: GatedFunction
silu_and_mul_with_clamp: GatedFunction
situ_and_mul: GatedFunction
swigluoai_and_mul: GatedFunction
swiglustep_and_mul: GatedFunction
_PUBLIC |= dict.fromkeys(__annotations__, _FUNCTIONS)
add_rms_norm: AddedNormFunction
gated_rms_norm: GatedNormFunction
rms_norm: NormFunction

__all__ = ["__version__", *sorted(_PUBLIC)]  # noqa: PLE0604 -- the names are strings of the table

if TYPE_CHECKING:
    from opparity.errors import OpparityError as OpparityError
    from opparity.formats import RECIPES as RECIPES
    from opparity.formats import ExpertLayout as ExpertLayout
    from opparity.formats import Intermediate as Intermediate
    from opparity.formats import Recipe as Recipe
    from opparity.formats import ScaleFormat as ScaleFormat
    from opparity.formats import ScaleLayout as ScaleLayout
    from opparity.formats import ScaleRule as ScaleRule
    from opparity.operators.block_quantisation import (
        silu_and_mul_per_block_quant as silu_and_mul_per_block_quant,
    )
    from opparity.operators.column_functions import rows_and_columns as rows_and_columns
    from opparity.operators.dequantisation import dequantize as dequantize
    from opparity.operators.experts import Experts as Experts
    from opparity.operators.functions import GatedFunction, PlainFunction
    from opparity.operators.functions import quantize as quantize
    from opparity.operators.gradient_functions import (
        gradient_rows_and_columns as gradient_rows_and_columns,
    )
    from opparity.operators.gradient_functions import quantize_gradient as quantize_gradient
    from opparity.operators.norm_functions import (
        AddedNormFunction,
        GatedNormFunction,
        NormFunction,
    )
    from opparity.operators.quantized import Quantized as Quantized
    from opparity.operators.registration import load as load
    from opparity.operators.selection import providers as providers
    from opparity.operators.sums import Sums as Sums
    from opparity.operators.tensor_scales import tensor_scale as tensor_scale
    from opparity.operators.weight_blocks import quantize_weight as quantize_weight
    from opparity.warming import warm_up as warm_up

    QuantisedGroups = Quantized


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- a module attribute may be anything
    """Import the module that holds a public name when the name is first used."""
    if name not in _PUBLIC:
        raise AttributeError(f"module 'opparity' has no attribute {name!r}")
    if _PUBLIC[name] not in _WITHOUT_TORCH:
        from opparity.packages import refusal  # noqa: PLC0415 -- importing this package is quick

        if refused := refusal("torch"):
            raise refused
    value = getattr(importlib.import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted(__all__)
