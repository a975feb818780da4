"""The parts of a model that is read from a checkpoint, in a format of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from opparity.errors import CheckpointRefused
from opparity.evaluation import exact_sums
from opparity.evaluation.configuration_file import TRAIN_ANEW
from opparity.evaluation.language_model import VOCABULARY_SIZE, Configuration, Mlp
from opparity.nn import RMSNorm, SwiGLU

if TYPE_CHECKING:
    from opparity.evaluation.number_formats import NumberFormat
    from opparity.nn import Checkpoint, QuantizedLinear


class PlainLinear(nn.Module):
    """A linear layer whose factors are numbers of a dtype, summed as float32."""

    weight: Tensor

    def __init__(self, weight: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        # A CPU without units for bfloat16 takes seven times as long for products in it. On a GPU
        # this is slower than a product in bfloat16: the evaluation compares bits, not speed.
        self.register_buffer("weight", weight.to(dtype).float())

    def forward(self, input: Tensor) -> Tensor:
        """Return [..., rows] from [..., columns] in the input's dtype."""
        return functional.linear(input.float(), self.weight).to(input.dtype)


class ServedParts:
    """Opparity's modules, their weights quantised by a format or not at all."""

    attend = staticmethod(exact_sums.attention)
    logits = staticmethod(exact_sums.logits)

    def __init__(
        self, checkpoint: Checkpoint, configuration: Configuration, numbers: NumberFormat
    ) -> None:
        self.checkpoint, self.sizes, self.numbers = checkpoint, configuration, numbers

    def embedding(self, name: str) -> nn.Embedding:
        """Return the vectors of the bytes."""
        weight = self._tensor(f"{name}.weight", (VOCABULARY_SIZE, self.sizes.hidden_size))
        made: nn.Embedding = nn.Embedding.from_pretrained(weight)
        return made

    def norm(self, name: str, *, last: bool = False) -> nn.Module:
        """Return a norm whose product is quantised as the next layers read it."""
        weight = self._tensor(f"{name}.weight", (self.sizes.hidden_size,))
        linear = self.numbers.linear
        recipe = None if last or linear is None else linear.recipe
        return RMSNorm(weight, self.sizes.rms_norm_eps, recipe=recipe)

    def projection(self, name: str) -> nn.Module:
        """Return a linear layer of the residual stream's width."""
        kind, width = self.numbers.linear, self.sizes.hidden_size
        if kind is None:
            return PlainLinear(self._weight(name, width, width), self.numbers.dtype)
        return self._linear(kind, name, width, width)

    def mlp(self, name: str) -> nn.Module:
        """Return an MLP, gate and up in one matrix."""
        kind, width, inner = (
            self.numbers.linear,
            self.sizes.hidden_size,
            self.sizes.intermediate_size,
        )
        sizes = {
            "gate_proj": (inner, width),
            "up_proj": (inner, width),
            "down_proj": (width, inner),
        }
        if kind is None:
            gate, up, down = (
                self._weight(f"{name}.{part}", *shape) for part, shape in sizes.items()
            )
            dtype = self.numbers.dtype
            return Mlp(PlainLinear(torch.cat((gate, up)), dtype), PlainLinear(down, dtype))
        first, second, last = (
            self._linear(kind, f"{name}.{part}", *shape) for part, shape in sizes.items()
        )
        return SwiGLU(kind.stack([first, second]), last)

    def _linear(
        self, kind: type[QuantizedLinear], name: str, rows: int, columns: int
    ) -> QuantizedLinear:
        found = self.checkpoint.linear(kind, name, dtype=self.numbers.dtype, requantise=True)
        self._check(name, (found.out_features, found.in_features), (rows, columns))
        return found

    def _weight(self, name: str, rows: int, columns: int) -> Tensor:
        found = self.checkpoint.weight(name)
        self._check(name, tuple(found.shape), (rows, columns))
        return found

    def _tensor(self, name: str, shape: tuple[int, ...]) -> Tensor:
        found = self.checkpoint.tensor(name)
        self._check(name, tuple(found.shape), shape)
        return found.to(self.numbers.dtype)

    def _check(self, name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
        if found != expected:
            detail = f"{name} has shape {found}, and config.json says {expected}"
            raise CheckpointRefused(path=self.checkpoint.folder, detail=detail, remedy=TRAIN_ANEW)
