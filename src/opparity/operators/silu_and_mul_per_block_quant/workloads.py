"""What `opparity benchmark` runs for silu_and_mul_per_block_quant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from opparity.benchmark.workload import LightArguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from opparity.benchmark.workload import Call

_WIDTHS = (7168, 2048, 14336, 18432)
_TOKENS = (1, 16, 64, 256, 1024, 4096, 16384)
_BASELINE_TOKENS = (64, 1024, 4096)
_LARGEST = {torch.float8_e4m3fn: 448.0, torch.float8_e4m3fnuz: 224.0, torch.int8: 127.0}


@dataclass(frozen=True, slots=True)
class Shape:
    """One row of the table."""

    num_tokens: int
    hidden_size: int
    group_size: int = 128
    transposed: bool = False
    input_dtype: torch.dtype = torch.bfloat16
    value_dtype: torch.dtype = torch.float8_e4m3fn
    intermediate: str = "float32"
    has_baselines: bool = False

    @property
    def name(self) -> str:
        """Tokens and width."""
        return f"{self.num_tokens} x {self.hidden_size}"

    @property
    def variant(self) -> str:
        """Group size and dtypes, and what is not the default."""
        parts = [f"group {self.group_size}", str(self.input_dtype)[6:], str(self.value_dtype)[6:]]
        parts += ["by groups"] if self.transposed else []
        parts += [self.intermediate] if self.intermediate != "float32" else []
        return ", ".join(parts)

    @property
    def moved_bytes(self) -> int:
        """The input once, the codes and the scales."""
        scales = 4 * self.hidden_size // self.group_size
        width = 2 * self.input_dtype.itemsize + self.value_dtype.itemsize
        return self.num_tokens * (width * self.hidden_size + scales)

    def make(self, device: torch.device, count: int) -> ShapeBuffers:
        """Return buffers for so many calls."""
        return ShapeBuffers(self, device, count)


class ShapeBuffers:
    """Inputs and outputs of one shape, each call with its own."""

    def __init__(self, shape: Shape, device: torch.device, count: int) -> None:
        self.shape = shape
        generator = torch.Generator(device).manual_seed(0)
        size = (shape.num_tokens, 2 * shape.hidden_size)
        base = torch.randn(size, device=device, generator=generator).mul_(2).to(shape.input_dtype)
        self.inputs = [base, *(base.clone() for _ in range(count - 1))]
        num_groups = shape.hidden_size // shape.group_size
        layout = (shape.num_tokens, num_groups)
        layout = layout[::-1] if shape.transposed else layout
        codes = (shape.num_tokens, shape.hidden_size)
        self.out = [
            torch.empty(codes, dtype=shape.value_dtype, device=device) for _ in range(count)
        ]
        self.scales = [torch.empty(layout, device=device) for _ in range(count)]
        self._nothing = (self.out[0][:0], base[:0], torch.empty(0, num_groups, device=device))
        self._compiled = torch.compile(self._plain, dynamic=False)

    def operator(self, number: int) -> object:
        """Call the operator."""
        shape = self.shape
        operator = torch.ops.opparity.silu_and_mul_per_block_quant
        arguments = (self.out[number], self.inputs[number], self.scales[number], shape.group_size)
        if shape.intermediate == "float32" and not shape.transposed:
            return operator.default(*arguments)
        return operator.intermediate(*arguments, None, shape.transposed, shape.intermediate)

    def without_work(self, number: int) -> object:
        """Call the operator with no tokens."""
        del number
        operator = torch.ops.opparity.silu_and_mul_per_block_quant
        return operator.default(*self._nothing, self.shape.group_size)

    def baselines(self) -> Mapping[str, Call]:
        """Return eager torch, activation and quantisation apart, and torch.compile."""
        return {
            "eager": lambda number: self._plain(self.inputs[number]),
            "unfused": lambda number: self._unfused(self.inputs[number]),
            "torch.compile": lambda number: self._compiled(self.inputs[number]),
        }

    def peer(self, function: Callable[..., object], number: int) -> object:
        """Call a function with the arguments of vLLM's operator."""
        return function(
            self.out[number],
            self.inputs[number],
            self.scales[number],
            self.shape.group_size,
            None,
            self.shape.transposed,
        )

    def outputs(self, number: int) -> Mapping[str, Tensor]:
        """Return the codes and scales that a call has written."""
        return {"codes": self.out[number], "scales": self.scales[number]}

    def light(self, number: int) -> LightArguments | None:
        """Return the buffers of a call; the kernel is for 16-bit input and one-byte codes."""
        if self.shape.input_dtype.itemsize != torch.bfloat16.itemsize:
            return None
        scales = self.scales[number]
        scales = scales.t() if self.shape.transposed else scales
        return LightArguments(self.out[number], self.inputs[number], scales)

    def _plain(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Compute what a model's own code would, in float32."""
        gate, up = input.float().chunk(2, dim=-1)
        return self._quantise(torch.nn.functional.silu(gate) * up)

    def _unfused(self, input: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the activation in the input's precision, and then quantise it."""
        gate, up = input.chunk(2, dim=-1)
        return self._quantise((torch.nn.functional.silu(gate) * up).float())

    def _quantise(self, activated: Tensor) -> tuple[Tensor, Tensor]:
        largest = _LARGEST[self.shape.value_dtype]
        groups = activated.unflatten(-1, (-1, self.shape.group_size))
        scales = (groups.abs().amax(dim=-1) / largest).clamp_min(1.0 / (largest * 512.0))
        values = (groups / scales.unsqueeze(-1)).clamp(-largest, largest).flatten(-2)
        if not self.shape.value_dtype.is_floating_point:
            values = values.round()
        return values.to(self.shape.value_dtype), scales


def workloads(device_type: str, *, quick: bool) -> Sequence[Shape]:
    """Return the rows for "cpu" or "cuda"."""
    if device_type == "cpu":
        sizes = [(64, 2048)] if quick else [(1, 14336), (16, 14336), (512, 14336)]
        return [Shape(tokens, width, has_baselines=True) for tokens, width in sizes]
    if quick:
        sizes = [(1, 7168), (64, 7168), (1024, 7168), (16384, 7168)]
        return [Shape(*size, has_baselines=size == (64, 7168)) for size in sizes]
    rows = [
        Shape(tokens, width, has_baselines=width == _WIDTHS[0] and tokens in _BASELINE_TOKENS)
        for width in _WIDTHS
        for tokens in _TOKENS
    ]
    variants = (
        {"group_size": 64},
        {"transposed": True},
        {"group_size": 64, "transposed": True},
        {"group_size": 32},
        {"input_dtype": torch.float16},
        {"value_dtype": torch.int8},
        {"value_dtype": torch.float8_e4m3fnuz},
        {"intermediate": "input_dtype"},
    )
    return rows + [
        Shape(tokens, _WIDTHS[0], **variant)
        for variant in variants
        for tokens in (64, 1024, 4096, 16384)
    ]
