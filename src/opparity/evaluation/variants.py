"""The ways to compute an MLP that the evaluation compares.

Outside the MLPs every way computes in float32, so that a difference comes from the MLPs alone.
A product of matrices takes what its operands stand for, as float32 numbers: that is what a matrix
unit for FP8 or bfloat16 does, up to the order of its sums, and it runs on every machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from opparity.evaluation.block_fp8 import (
    BLOCK,
    VALUE_DTYPE,
    dequantise_activations,
    quantise_activations,
)

if TYPE_CHECKING:
    from opparity.evaluation.checkpoint import MlpWeights

# From gate and up, [..., 2 * intermediate_size] bfloat16, to what the down projection reads:
# one bfloat16 tensor, or FP8 values and their scales.
Step = Callable[[Tensor], tuple[Tensor, ...]]


class Mlps(StrEnum):
    """How the MLPs are computed."""

    BFLOAT16 = "bfloat16"
    UNFUSED = "unfused FP8"
    FUSED = "fused FP8"


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to compute the MLPs.

    Attributes:
        mlps: the kind.
        step: what happens between the projections; this is what is timed.
        provider: of the fused operator.
        serving: a context in which that provider serves the operator.
        whole: whether it is quick enough to be run over all tokens.
    """

    mlps: Mlps
    step: Step
    provider: str | None = None
    serving: Callable[[], AbstractContextManager[None]] = nullcontext
    whole: bool = True

    @property
    def label(self) -> str:
        """Its name in a table."""
        return f"{self.mlps}, {self.provider}" if self.provider else str(self.mlps)


def bfloat16_step(gate_up: Tensor) -> tuple[Tensor, ...]:
    """Return SiLU(gate) * up in bfloat16."""
    gate, up = gate_up.chunk(2, dim=-1)
    return (functional.silu(gate) * up,)


def unfused_step(gate_up: Tensor) -> tuple[Tensor, ...]:
    """Return SiLU(gate) * up in bfloat16, quantised afterwards."""
    (product,) = bfloat16_step(gate_up)
    return quantise_activations(product)


def fused_step(gate_up: Tensor) -> tuple[Tensor, ...]:
    """Return what the operator makes of gate and up."""
    from opparity import silu_and_mul_per_block_quant  # noqa: PLC0415 -- importing it loads it

    # The same format everywhere: the platform's default differs on gfx94x.
    values, scales = silu_and_mul_per_block_quant(gate_up, BLOCK, dtype=VALUE_DTYPE)
    return values, scales


BFLOAT16 = Variant(Mlps.BFLOAT16, bfloat16_step)
UNFUSED = Variant(Mlps.UNFUSED, unfused_step)


def fused(provider: str, *, step: Step = fused_step) -> Variant:
    """Return the variant whose operator is served by a provider; the reference is a slow one."""

    def serving() -> AbstractContextManager[None]:
        from opparity import providers  # noqa: PLC0415 -- importing it loads the operators

        return providers(force=provider)

    return Variant(Mlps.FUSED, step, provider, serving, whole=provider != "reference")


def _event() -> torch.cuda.Event:
    """Return a mark on the GPU's stream that holds the time."""
    return torch.cuda.Event(enable_timing=True)


@dataclass(slots=True)
class Recorder:
    """Keeps what the timed step was given and gave, and how long it took.

    Attributes:
        device: where the step runs.
        calls: (input, outputs) of each call since the last `take`.
    """

    device: torch.device
    calls: list[tuple[Tensor, tuple[Tensor, ...]]] = field(default_factory=list)
    _seconds: float = 0.0
    _events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = field(default_factory=list)

    def run(self, step: Step, gate_up: Tensor) -> tuple[Tensor, ...]:
        """Run the step, timed by the GPU's own clock where there is one."""
        if self.device.type == "cuda":
            begin, end = (_event() for _ in range(2))
            begin.record()
            outputs = step(gate_up)
            end.record()
            self._events.append((begin, end))
        else:
            started = time.perf_counter()
            outputs = step(gate_up)
            self._seconds += time.perf_counter() - started
        self.calls.append((gate_up, tuple(outputs)))
        return outputs

    def take(self) -> tuple[list[tuple[Tensor, tuple[Tensor, ...]]], float]:
        """Return and forget the calls and their seconds; the device must be idle."""
        seconds = self._seconds + sum(a.elapsed_time(b) / 1e3 for a, b in self._events)
        calls = self.calls
        self.calls, self._events, self._seconds = [], [], 0.0
        return calls, seconds


class EvaluatedMlp(nn.Module):
    """An MLP that computes as a variant says and lets a recorder watch its step."""

    def __init__(
        self, weights: MlpWeights, variant: Variant, recorder: Recorder, device: torch.device
    ) -> None:
        super().__init__()
        self.step, self.recorder = variant.step, recorder
        self.quantised = variant.mlps is not Mlps.BFLOAT16
        gate_up, down = (
            weight.to(device).dequantised() for weight in (weights.gate_up, weights.down)
        )
        self.gate_up = gate_up if self.quantised else gate_up.bfloat16().float()
        self.down = down if self.quantised else down.bfloat16().float()

    def forward(self, hidden: Tensor) -> Tensor:
        """Transform each token by itself; [..., hidden_size] in and out."""
        hidden = hidden.bfloat16()
        if self.quantised:
            hidden = dequantise_activations(*quantise_activations(hidden))
        gate_up = functional.linear(hidden.float(), self.gate_up).bfloat16()
        outputs = self.recorder.run(self.step, gate_up)
        activated = dequantise_activations(*outputs) if self.quantised else outputs[0].float()
        return functional.linear(activated, self.down)
