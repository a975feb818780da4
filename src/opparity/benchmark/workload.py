"""What an operator's folder gives to be timed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from torch import Tensor

    Call = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class LightArguments:
    """What the speed-of-light kernel reads and writes; every tensor on one GPU.

    Attributes:
        out: codes [num_tokens, hidden_size], one byte each.
        input: [num_tokens, 2 * hidden_size], two bytes each.
        scales: float32 [num_tokens, num_groups] of any strides.
    """

    out: Tensor
    input: Tensor
    scales: Tensor


class Buffers(Protocol):
    """Inputs and outputs for so many calls, each with its own, so that no call reads the cache."""

    def operator(self, number: int) -> object:
        """Call the operator, by whichever implementation is selected."""

    def without_work(self, number: int) -> object:
        """Call the operator with nothing to do: what dispatch and checks alone cost the host."""

    def baselines(self) -> Mapping[str, Call]:
        """Return what engines did before the operator was fused: name -> call."""

    def peer(self, function: Callable[..., object], number: int) -> object:
        """Call somebody else's function that has the operator's arguments."""

    def outputs(self, number: int) -> Mapping[str, Tensor]:
        """Return what a call has written: name -> tensor."""

    def light(self, number: int) -> LightArguments | None:
        """Return what the speed-of-light kernel takes; None where it does not suit."""


class Workload(Protocol):
    """One row of the table."""

    @property
    def name(self) -> str:
        """The row's name, such as "1024 x 7168"."""

    @property
    def variant(self) -> str:
        """What else distinguishes the row."""

    @property
    def moved_bytes(self) -> int:
        """The bytes that the operator must read and write."""

    @property
    def has_baselines(self) -> bool:
        """Whether baselines, the reference and eager calls are timed in this row."""

    def make(self, device: torch.device, count: int) -> Buffers:
        """Return buffers for so many calls."""


class WorkloadSource(Protocol):
    """What Operator.workloads names."""

    def __call__(self, device_type: str, *, quick: bool) -> Sequence[Workload]:
        """Return the rows for "cpu" or "cuda"."""
