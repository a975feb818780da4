"""One row to be timed: an operator, its recipe and its shape, and buffers for its calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

import opparity
from opparity.benchmark import eager
from opparity.formats import RECIPES, Intermediate, Recipe, ScaleRule
from opparity.operators import added_name, general_name, producer_named

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
        adds: whether a residual is added to the input of a norm.
        has_baselines: whether what came before fusion, the reference and eager calls are timed too.
    """

    num_tokens: int
    hidden_size: int
    producer: str = "silu_and_mul"
    recipe: Recipe = RECIPES["fp8_block"]
    input_dtype: torch.dtype = torch.bfloat16
    intermediate: Intermediate = Intermediate.FLOAT32
    interleaved: bool = False
    adds: bool = False
    has_baselines: bool = False

    @property
    def facts(self) -> Producer:
        """The producer's line of the table."""
        return producer_named(self.producer)

    @property
    def operator(self) -> str:
        """The general operator's name."""
        added = added_name(self.facts) if self.adds else None
        return added or general_name(self.facts)

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
        """The input once, what a norm reads and writes beside it, the values and the scales."""
        inputs = 1 + self.facts.gated + self.facts.takes_gate + 2 * self.adds
        scales = self.scale_bytes * self.recipe.groups_in(self.hidden_size)
        element = inputs * self.input_dtype.itemsize + self.value_bits / 8
        weight = self.input_dtype.itemsize * self.hidden_size if self.facts.reduces else 0
        return int(self.num_tokens * (element * self.hidden_size + scales)) + weight

    def make(self, device: torch.device, count: int) -> Buffers:
        """Return buffers for so many calls."""
        opparity.load()
        return Buffers(self, device, count)


class Buffers:
    """Inputs and outputs for so many calls, each with its own, so that no call reads the cache."""

    def __init__(self, workload: Workload, device: torch.device, count: int) -> None:
        self.workload = workload
        generator = torch.Generator(device).manual_seed(0)
        width = workload.hidden_size * (2 if workload.facts.gated else 1)

        def drawn(*size: int) -> Tensor:
            base = torch.randn(size, device=device, generator=generator).mul_(2)
            return base.to(workload.input_dtype)

        def copies(*size: int) -> list[Tensor]:
            base = drawn(*size)
            return [base, *(base.clone() for _ in range(count - 1))]

        self.inputs = copies(workload.num_tokens, width)
        # What a norm has beside its input: a gate or a residual.
        has_others = workload.facts.takes_gate or workload.adds
        self.others = copies(workload.num_tokens, width) if has_others else []
        self._residual = self.others[0].clone() if workload.adds else None
        self.weight = drawn(width) if workload.facts.reduces else None
        number = {ScaleRule.GIVEN: _GIVEN_SCALE, ScaleRule.GLOBAL: _GLOBAL_SCALE}.get(
            workload.recipe.rule
        )
        self.scale = None if number is None else torch.tensor(number, device=device)
        packet = getattr(torch.ops.opparity, workload.operator)
        self._functional, self._mutating = packet.default, packet.out
        # Of an operator that adds a residual the sum is the third: the mutating one writes it to
        # the residual.
        self.results: list[tuple[Tensor, Tensor]] = [
            self._functional(*self._arguments(number), **self._named())[:2]
            for number in range(count)
        ]
        self._compiled = torch.compile(self._plain, dynamic=False)

    def operator(self, number: int) -> object:
        """Call the operator, by whichever implementation is selected."""
        values, scales = self.results[number]
        arguments = self._arguments(number)
        return self._mutating(*arguments, **self._named(), values=values, scales=scales)

    def allocating(self, number: int) -> object:
        """Call the operator that allocates what it returns."""
        return self._functional(*self._arguments(number), **self._named())

    def without_work(self, number: int) -> object:
        """Call the operator with no tokens: what dispatch and checks alone cost the host."""
        return self._functional(*self._arguments(number, 0), **self._named())

    def baselines(self) -> Mapping[str, Call]:
        """Return what engines did before the operator was fused."""
        return {
            "eager": lambda number: self._plain(*self._tensors(number)),
            "unfused": lambda number: self._unfused(*self._tensors(number)),
            "torch.compile": lambda number: self._compiled(*self._tensors(number)),
        }

    def peer(self, function: Callable[..., object], number: int) -> object:
        """Call somebody else's function.

        It gets values, input, scales and this row, and of a norm `weight`, and `gate` or `residual`
        where there is one, by their names.
        """
        values, scales = self.results[number]
        beside: dict[str, Tensor] = {}
        if self.weight is not None:
            beside["weight"] = self.weight
        if self.others:
            beside["residual" if self.workload.adds else "gate"] = self.others[number]
        return function(values, self.inputs[number], scales, self.workload, **beside)

    def outputs(self, number: int) -> Mapping[str, Tensor]:
        """Return what a call has written."""
        values, scales = self.results[number]
        sums = {"sum": self.others[number]} if self.workload.adds else {}
        return {"values": values, "scales": scales, **sums}

    def restore_residual(self, number: int) -> None:
        """Make a residual again what it was before a call wrote the sum to it."""
        if self._residual is not None:
            self.others[number].copy_(self._residual)

    def _tensors(self, number: int) -> tuple[Tensor, ...]:
        """Return a call's input and what is beside it."""
        others = (self.others[number],) if self.others else ()
        return (self.inputs[number], *others)

    def _arguments(self, number: int, num_tokens: int | None = None) -> tuple[object, ...]:
        workload = self.workload
        tensors = (tensor[:num_tokens] for tensor in self._tensors(number))
        weight = (self.weight,) if workload.facts.reduces else ()
        return (*tensors, *weight, str(workload.recipe), *workload.parameters, self.scale)

    def _named(self) -> dict[str, object]:
        workload = self.workload
        named: dict[str, object] = {"intermediate": str(workload.intermediate)}
        return named | ({"interleaved": workload.interleaved} if workload.facts.gated else {})

    def _plain(self, input: Tensor, other: Tensor | None = None) -> tuple[Tensor | None, ...]:
        """Compute what a model's own code would, in float32."""
        if self.weight is not None:
            return self._norm(input.float(), None if other is None else other.float())
        return self._quantise(self._product(input.float()))

    def _unfused(self, input: Tensor, other: Tensor | None = None) -> tuple[Tensor | None, ...]:
        """Compute the product in the input's precision, and then quantise it."""
        if self.weight is not None:
            return self._norm(input, other)
        return self._quantise(self._product(input).float())

    def _norm(self, input: Tensor, other: Tensor | None) -> tuple[Tensor | None, ...]:
        workload = self.workload
        assert self.weight is not None
        if workload.adds:
            assert other is not None
            summed = (input + other).to(workload.input_dtype)
            normed = eager.rms_norm(summed.to(input.dtype), self.weight, workload.parameters)
            return (*self._quantise(normed.float()), summed)
        normed = eager.rms_norm(input, self.weight, workload.parameters)
        if other is not None:
            normed = normed * functional.silu(other)
        return self._quantise(normed.float())

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
