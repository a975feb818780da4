"""SwiGLU: a gated MLP whose activation is quantised in one step for its second product."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self, cast

from torch import nn

from opparity.nn.block_fp8 import BlockFP8Linear
from opparity.nn.checkpoint import Checkpoint
from opparity.nn.int8 import Int8Linear
from opparity.nn.linear import QuantizedLinear
from opparity.nn.trained import TrainedLinear
from opparity.operators import PRODUCERS, functions, producer_named
from opparity.operators.calling import Row, numbers_of
from opparity.operators.refusal import kind_of, refuse

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from opparity.operators.quantized import Quantized


class SwiGLU(nn.Module):
    """down(activation(gate_up(input))) with quantised activations and weights.

    Attributes:
        gate_up: [.., hidden_size] to [.., 2 * intermediate_size], the gate first.
        down: [.., intermediate_size] to [.., hidden_size].
        producer: the activation, the name of a gated producer.
        numbers: of the producer, by name.
    """

    linear: ClassVar[type[QuantizedLinear]] = BlockFP8Linear
    gate_up: QuantizedLinear
    down: QuantizedLinear

    def __init__(
        self,
        gate_up: QuantizedLinear | TrainedLinear,
        down: QuantizedLinear | TrainedLinear,
        *,
        producer: str = "silu_and_mul",
        **numbers: float,
    ) -> None:
        super().__init__()
        gated = [row.name for row in PRODUCERS if row.gated]
        if producer not in gated:
            refuse(
                type(self).__name__,
                f"producer is '{producer}'; allowed: {', '.join(gated)}; choose one",
            )
        for layer in (gate_up, down):
            if not isinstance(layer, (QuantizedLinear, TrainedLinear)):
                refuse(
                    type(self).__name__,
                    f"a layer is {kind_of(layer)}; allowed: {type(self).linear.__name__} and the "
                    "like; pass quantised layers, or torch's to from_linears",
                )
        if gate_up.out_features != 2 * down.in_features:
            refuse(
                type(self).__name__,
                f"gate_up makes {gate_up.out_features} values and down reads {down.in_features}; "
                "allowed: twice as many, gate and up; pass layers whose widths match",
            )
        # A TrainedLinear has what is used of them here.
        self.gate_up, self.down = cast("QuantizedLinear", gate_up), cast("QuantizedLinear", down)
        self.producer, self.numbers = producer, numbers
        self._activation = getattr(functions, producer)
        # What is missing or unknown is told here, and not by the first call.
        numbers_of(Row(producer_named(producer)), numbers)

    @classmethod
    def from_linears(
        cls,
        gate: nn.Linear,
        up: nn.Linear,
        down: nn.Linear,
        *,
        producer: str = "silu_and_mul",
        **numbers: float,
    ) -> Self:
        """Quantise the three matrices of an MLP of torch's modules."""
        kind = cls.linear
        first, second, last = (kind.from_linear(linear) for linear in (gate, up, down))
        _check_alike(cls, first.out_features, second.out_features)
        return cls(kind.stack([first, second]), last, producer=producer, **numbers)

    @classmethod
    def from_checkpoint(
        cls,
        checkpoint: Checkpoint,
        prefix: str,
        *,
        dtype: torch.dtype | None = None,
        producer: str = "silu_and_mul",
        **numbers: float,
    ) -> Self:
        """Read `prefix`.gate_proj, .up_proj and .down_proj, quantised already or not.

        Args:
            checkpoint: where the tensors are; only these are read.
            prefix: such as "model.layers.0.mlp".
            dtype: of the result; the unquantised weight's by default, bfloat16 where there is none.
            producer: the activation.
            numbers: of the producer.
        """
        if not isinstance(checkpoint, Checkpoint):
            refuse(
                cls.__name__,
                f"checkpoint is {kind_of(checkpoint)}; allowed: an opparity.nn.Checkpoint; pass "
                "Checkpoint(folder)",
            )
        gate, up, down = (
            checkpoint.linear(cls.linear, f"{prefix}.{name}", dtype=dtype)
            for name in ("gate_proj", "up_proj", "down_proj")
        )
        _check_alike(cls, gate.out_features, up.out_features)
        return cls(cls.linear.stack([gate, up]), down, producer=producer, **numbers)

    def forward(self, input: Tensor | Quantized) -> Tensor:
        """Return [..., hidden_size] from the same, quantised already or not."""
        found: Tensor = self.down(self._activated(input))
        return found

    def _activated(self, input: Tensor | Quantized) -> Quantized:
        """Return what down reads; where gate_up gives sums, they are read once."""
        recipe, gate_up, sums = self.down.activations, self.gate_up, None
        if isinstance(gate_up, Int8Linear) and gate_up.gives_sums:
            input = gate_up.quantised(input)
            if not input.has_gradient:
                product, sums = gate_up.sums_of(input)
        if sums is None:
            product = gate_up(input)
        found: Quantized = self._activation(product, recipe, sums=sums, **self.numbers)
        return found

    def extra_repr(self) -> str:
        """Return what torch prints of the module."""
        numbers = "".join(f", {name}={number:g}" for name, number in self.numbers.items())
        return f"producer='{self.producer}'{numbers}"


class Int8SwiGLU(SwiGLU):
    """A SwiGLU in int8 by token: the same bytes on a CPU, an NVIDIA and an AMD GPU."""

    linear = Int8Linear


def _check_alike(kind: type[SwiGLU], gate: int, up: int) -> None:
    if gate != up:
        refuse(
            kind.__name__,
            f"gate makes {gate} values and up {up}; allowed: as many of each; pass layers that do",
        )
