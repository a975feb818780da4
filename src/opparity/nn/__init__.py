"""Modules that compute on what the operators quantise.

Each linear module names the recipe of its activations and takes them as a tensor, which it then
quantises, or as the Quantized that a fused activation or norm has made.
"""

from __future__ import annotations

from opparity.packages import refusal

if refused := refusal("torch"):
    raise refused

# ruff: isort: split
from opparity.nn.block_fp8 import BlockFP8Linear
from opparity.nn.checkpoint import Checkpoint
from opparity.nn.int8 import Int8Linear
from opparity.nn.linear import QuantizedLinear
from opparity.nn.mxfp8 import MXFP8Linear
from opparity.nn.norm import GatedRMSNorm, RMSNorm
from opparity.nn.swiglu import Int8SwiGLU, SwiGLU
from opparity.nn.trained import TrainedLinear, ask_for_product

__all__ = [
    "BlockFP8Linear",
    "Checkpoint",
    "GatedRMSNorm",
    "Int8Linear",
    "Int8SwiGLU",
    "MXFP8Linear",
    "QuantizedLinear",
    "RMSNorm",
    "SwiGLU",
    "TrainedLinear",
    "ask_for_product",
]
