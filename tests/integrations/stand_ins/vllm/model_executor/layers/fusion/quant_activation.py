from dataclasses import dataclass
from typing import Any

import torch

from vllm.model_executor.layers.quantization.utils.quant_utils import QuantKey


@dataclass
class QuantizedActivation:
    data: torch.Tensor
    scale: torch.Tensor
    orig_dtype: torch.dtype
    orig_shape: torch.Size
    quant_key: QuantKey


def expose_input_quant_key(layer: torch.nn.Module, kernel: Any) -> None:
    layer._input_quant_key = kernel.input_quant_key()


def get_input_quant_key(layer: torch.nn.Module) -> QuantKey | None:
    return getattr(layer, "_input_quant_key", None)


def as_quantized_activation(x: Any, expected_key: QuantKey | None) -> QuantizedActivation | None:
    if not isinstance(x, QuantizedActivation):
        return None
    assert x.quant_key == expected_key
    return x
