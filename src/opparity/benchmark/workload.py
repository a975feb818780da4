"""One row to be timed: an operator, its recipe and its shape, and buffers for its calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from opparity.benchmark import eager
from opparity.formats import RECIPES, Intermediate, Recipe, ScaleRule
from opparity.operators import general_name, producer_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from opparity.operators.declaration import Producer

    Call = Callable[[int], object]

# A limit as of DeepSeek V4; the other parameters have defaults.
_LIMIT = 10.0
_GIVEN_SCALE = 0.05
_GLOBAL_SCALE = 448.0 * 6.0 / 16.0


@dataclass(frozen=True, slots=True)
class Workload:
    """One row of a table.

    Attributes:
        producer: a name of the table of producers.
        has_baselines: whether what came before fusion, the reference and eager calls are timed too.
    """

    num_tokens: int
    hidden_size: int
    producer: str = "silu_and_mul"
    recipe: Recipe = RECIPES["fp8_block"]
    input_dtype: torch.dtype = torch.bfloat16
    intermediate: Intermediate = Intermediate.FLOAT32
    interleaved: bool = False
    has_baselines: bool = False

    @property
    def facts(self) -> Producer:
        """The producer's line of the table."""
        return producer_named(self.producer)

    @property
    def operator(self) -> str:
        """The general operator's name."""
        return general_name(self.facts)

    @property
    def parameters(self) -> tuple[float, ...]:
        """The producer's numbers."""
        return tuple(_LIMIT if p.default is None else p.default for p in self.facts.parameters)

    @property
    def name(self) -> str:
        """Tokens and width."""
        return f"{self.num_tokens} x {self.hidden_size}"

    @property
    def variant(self) -> str:
        """What is computed from what."""
        named = {recipe: name for name, recipe in RECIPES.items()}
        parts = [self.operator, named.get(self.recipe, str(self.recipe))]
        parts.append(str(self.input_dtype).removeprefix("torch."))
        parts += [str(self.intermediate)] if self.intermediate != Intermediate.FLOAT32 else []
        parts += ["interleaved"] if self.interleaved else []
        return ", ".join(parts)

    @property
    def value_bits(self) -> int:
        """Of an element of the output."""
        facts = self.recipe.format
        return 8 * self.input_dtype.itemsize if facts is None else facts.bits

    @property
    def scale_bytes(self) -> int:
        """Of a scale that is computed; 0 where none is."""
        if self.recipe.group_size is None:
            return 0
        return 1 if self.recipe.scale_is_byte else 4

    @property
    def moved_bytes(self) -> int:
        """The input once, the values and the scales."""
        halves = 2 if self.facts.gated else 1
        scales = self.scale_bytes * self.recipe.groups_in(self.hidden_size)
        element = halves * self.input_dtype.itemsize + self.value_bits / 8
        return int(self.num_tokens * (element * self.hidden_size + scales))

    def make(self, device: torch.device, count: int) -> Buffers:
        """Return buffers for so many calls."""
        return Buffers(self, device, count)


class Buffers:
    """Inputs and outputs for so many calls, each with its own, so that no call reads the cache."""

    def __init__(self, workload: Workload, device: torch.device, count: int) -> None:
        self.workload = workload
        generator = torch.Generator(device).manual_seed(0)
        width = workload.hidden_size * (2 if workload.facts.gated else 1)
        size = (workload.num_tokens, width)
        base = torch.randn(size, device=device, generator=generator).mul_(2)
        base = base.to(workload.input_dtype)
        self.inputs = [base, *(base.clone() for _ in range(count - 1))]
        number = {ScaleRule.GIVEN: _GIVEN_SCALE, ScaleRule.GLOBAL: _GLOBAL_SCALE}.get(
            workload.recipe.rule
        )
        self.scale = None if number is None else torch.tensor(number, device=device)
        packet = getattr(torch.ops.opparity, workload.operator)
        self._functional, self._mutating = packet.default, packet.out
        self.results: list[tuple[Tensor, Tensor]] = [
            self._functional(*self._arguments(input), **self._named()) for input in self.inputs
        ]
        self._compiled = torch.compile(self._plain, dynamic=False)

    def operator(self, number: int) -> object:
        """Call the operator, by whichever implementation is selected."""
        values, scales = self.results[number]
        arguments = self._arguments(self.inputs[number])
        return self._mutating(*arguments, **self._named(), values=values, scales=scales)

    def allocating(self, number: int) -> object:
        """Call the operator that allocates what it returns."""
        return self._functional(*self._arguments(self.inputs[number]), **self._named())

    def without_work(self, number: int) -> object:
        """Call the operator with no tokens: what dispatch and checks alone cost the host."""
        return self._functional(*self._arguments(self.inputs[number][:0]), **self._named())

    def baselines(self) -> Mapping[str, Call]:
        """Return what engines did before the operator was fused."""
        return {
            "eager": lambda number: self._plain(self.inputs[number]),
            "unfused": lambda number: self._unfused(self.inputs[number]),
            "torch.compile": lambda number: self._compiled(self.inputs[number]),
        }

    def peer(self, function: Callable[..., object], number: int) -> object:
        """Call somebody else's function: of values, input, scales, and this row."""
        values, scales = self.results[number]
        return function(values, self.inputs[number], scales, self.workload)

    def outputs(self, number: int) -> Mapping[str, Tensor]:
        """Return the values and scales that a call has written."""
        values, scales = self.results[number]
        return {"values": values, "scales": scales}

    def _arguments(self, input: Tensor) -> tuple[object, ...]:
        workload = self.workload
        return (input, str(workload.recipe), *workload.parameters, self.scale)

    def _named(self) -> dict[str, object]:
        workload = self.workload
        named: dict[str, object] = {"intermediate": str(workload.intermediate)}
        return named | ({"interleaved": workload.interleaved} if workload.facts.gated else {})

    def _plain(self, input: Tensor) -> tuple[Tensor, Tensor | None]:
        """Compute what a model's own code would, in float32."""
        return self._quantise(self._product(input.float()))

    def _unfused(self, input: Tensor) -> tuple[Tensor, Tensor | None]:
        """Compute the product in the input's precision, and then quantise it."""
        return self._quantise(self._product(input).float())

    def _product(self, input: Tensor) -> Tensor:
        workload = self.workload
        gate, up = input, input
        if workload.facts.gated:
            halves = (input[:, ::2], input[:, 1::2]) if workload.interleaved else None
            gate, up = halves or input.chunk(2, dim=-1)
        return eager.PRODUCERS[workload.producer](gate, up, workload.parameters)

    def _quantise(self, products: Tensor) -> tuple[Tensor, Tensor | None]:
        values, scales = eager.quantise(products, self.workload.recipe, self.scale)
        if self.workload.recipe.format is None:
            values = values.to(self.workload.input_dtype)
        return values, scales
