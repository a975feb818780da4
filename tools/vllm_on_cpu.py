"""Runs tests that name a CUDA device on the CPU, for a look at them where there is no GPU.

Triton's interpreter runs the references; it cuts numbers off where a GPU rounds them, so torch's
casts take that over.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_keep: list[TorchFunctionMode] = []
_IS_CUDA = Tensor.is_cuda.__get__  # type: ignore[attr-defined] # a property of torch's own kind


class _OnCpu(TorchFunctionMode):
    """Reads "cpu" where a call names a CUDA device."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        _types: Sequence[type],
        positional: Sequence[object] = (),
        named: Mapping[str, object] | None = None,
    ) -> Any:  # noqa: ANN401 -- whatever the function returns
        if function == _IS_CUDA:
            return True
        given = {name: _cpu(value) for name, value in (named or {}).items()}
        return function(*map(_cpu, positional), **given)


def _cpu(value: Any) -> Any:  # noqa: ANN401 -- any argument
    is_device = isinstance(value, torch.device) and value.type == "cuda"
    is_name = isinstance(value, str) and value.partition(":")[0] == "cuda"
    return "cpu" if is_device or is_name else value


def _skip(*_: object, **__: object) -> None:
    pytest.skip("captures a CUDA graph")


# Triton's names of types.
_TYPES = {
    "fp32": (torch.float32, torch.int32),
    "fp16": (torch.float16, torch.int16),
    "bf16": (torch.bfloat16, torch.int16),
    "fp8e4nv": (torch.float8_e4m3fn, torch.int8),
    "fp8e5": (torch.float8_e5m2, torch.int8),
    "fp8e4b8": (torch.float8_e4m3fnuz, torch.int8),
}


def _convert(data: Any, given: Any, wanted: Any, _rounding: object) -> Any:  # noqa: ANN401 -- NumPy
    """Convert an array of bits, as the interpreter's own function does, and round it."""
    (source, source_bits), (target, target_bits) = _TYPES[given.name], _TYPES[wanted.name]
    bits = torch.from_numpy(np.ascontiguousarray(data).view(source_bits.__repr__()[6:]))
    converted: Tensor = bits.view(source).float().to(target).view(target_bits)
    unsigned = f"uint{8 * converted.element_size()}"
    return converted.numpy().view(unsigned).reshape(data.shape)


def install() -> None:
    """Take the CPU for every CUDA device from here on."""
    mode: Any = _OnCpu()
    _keep.append(mode)
    mode.__enter__()
    set_default = torch.set_default_device
    interpreter: Any = importlib.import_module("triton.runtime.interpreter")
    replaced: tuple[tuple[Any, str, object], ...] = (
        (torch, "set_default_device", lambda device: set_default(_cpu(device))),
        (torch.accelerator, "set_device_index", lambda _: None),
        (torch.accelerator, "synchronize", lambda *_: None),
        (torch.cuda, "CUDAGraph", _skip),
        (interpreter, "_convert_float", _convert),
    )
    for owner, name, replacement in replaced:
        setattr(owner, name, replacement)
