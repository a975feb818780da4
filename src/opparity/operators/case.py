"""One call of an operator, to be compared."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch

from opparity.formats import (
    ExpertLayout,
    Intermediate,
    Recipe,
    ScaleFormat,
    ScaleLayout,
    ScaleRule,
)
from opparity.operators import producer_named
from opparity.operators.declaration import Direction, Role
from opparity.operators.expert_cases import expert_arguments
from opparity.operators.fillings import Filling, make_input
from opparity.operators.sum_cases import sum_arguments

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.operators.declaration import Argument, Operator, Producer

# What a parameter without a default is in every case.
_NUMBER = 7.0
_EPS = 1e-10
_POWERS = (ScaleFormat.POWER_OF_TWO, ScaleFormat.E8M0)


@dataclass(frozen=True, slots=True)
class Case:
    """One call of one operator.

    Attributes:
        operator: its qualified name.
        recipe: whether or not the operator takes one, its values and scales are of this.
        scale: the given one, where the recipe takes one.
        adds: whether a residual is given where it may be left out.
        experts: where experts' rows are, of an operator that has them. A functional one has valid
            rows alone, as it says nothing of others.
        weighs: whether experts' rows have weights.
    """

    operator: str
    filling: Filling
    num_tokens: int
    hidden_size: int
    input_dtype: str
    recipe: Recipe
    intermediate: Intermediate = Intermediate.FLOAT32
    interleaved: bool = False
    scale: float | None = None
    scale_ub: float | None = None
    adds: bool = True
    seed: int = 0
    experts: ExpertLayout | None = None
    weighs: bool = False

    @property
    def name(self) -> str:
        """The key of the case's golden digests, together with the operator."""
        parts = [self.filling, self.input_dtype, self.recipe, self.intermediate]
        parts.append(f"{self.num_tokens}x{self.hidden_size}")
        parts += ["interleaved"] if self.interleaved else []
        parts += [] if self.scale is None else [f"scale {self.scale:g}"]
        parts += [] if self.scale_ub is None else [f"bound {self.scale_ub:g}"]
        parts += [] if self.adds else ["no residual"]
        parts += [] if self.experts is None else [self.experts]
        parts += ["weights"] if self.weighs else []
        return " ".join(map(str, [*parts, self.seed]))

    def make_input(self, producer: Producer) -> Tensor:
        """Return the input on the CPU, [num_tokens, width]."""
        input = make_input(
            self.filling, self.num_tokens, self.hidden_size, self.input_dtype, self.seed
        )
        gate, up = input[:, : self.hidden_size], input[:, self.hidden_size :]
        if not producer.gated:
            return gate.contiguous()
        return torch.stack((gate, up), dim=-1).flatten(1) if self.interleaved else input

    def arguments(self, operator: Operator, device: torch.device) -> dict[str, Any]:
        """Return the operator's arguments by name, but for what it writes to."""
        producer = producer_named(operator.producer)
        facts = self.recipe.format
        found: dict[Role, Any] = {
            Role.INPUT: self.make_input(producer).to(device),
            Role.SCALE: _tensor(self.scale, device),
            Role.SCALE_UB: _tensor(self.scale_ub, device),
            Role.RECIPE: self.recipe.text,
            Role.INTERMEDIATE: str(self.intermediate),
            Role.INTERLEAVED: self.interleaved,
            Role.GROUP_SIZE: self.recipe.group_size,
            Role.IS_SCALE_TRANSPOSED: self.recipe.layout is ScaleLayout.COLUMN_MAJOR,
            Role.SCALE_UE8M0: self.recipe.scale in _POWERS,
            Role.LEAST_AMAX: _EPS,
            Role.CODE_MINIMUM: facts.lowest if facts else None,
            Role.CODE_MAXIMUM: facts.maximum if facts else None,
            Role.GROUP_SHAPE: None,
            Role.ROWS: None,
            Role.MULTIPLE: 1,
            Role.ZERO_POINTS: None,
            Role.DTYPE: self.input_dtype,
        }
        if producer.reduces:
            found |= self._beside(producer, device)
        if self.experts is not None:
            found |= expert_arguments(self, operator, found, device)
        if operator.reads_sums:
            found |= sum_arguments(self, producer, device)
        if operator.direction is not Direction.FORWARD:
            found[Role.GRADIENT] = self._gradient().to(device)
            # The sum's gradient is another number than the residual was.
            if Role.RESIDUAL in found:
                found[Role.SUM_GRADIENT] = found[Role.RESIDUAL]
        return {
            argument.name: _number(argument)
            if argument.role in (Role.PARAMETER, Role.UNUSED)
            else found[argument.role]
            for argument in operator.arguments
            if argument.role not in (Role.VALUES, Role.SCALES)
        }

    def _beside(self, producer: Producer, device: torch.device) -> dict[Role, Tensor | None]:
        """Return what a producer that reduces has beside its input."""
        input = make_input(
            self.filling, self.num_tokens, self.hidden_size, self.input_dtype, self.seed
        )
        found: dict[Role, Tensor | None] = {Role.INPUT: input[:, : self.hidden_size]}
        found[Role.GATE] = found[Role.RESIDUAL] = input[:, self.hidden_size :]
        if self.filling is Filling.EVERY_GATE and producer.takes_gate:
            found[Role.INPUT], found[Role.GATE] = found[Role.GATE], found[Role.INPUT]
        # Other numbers than the input's, by another seed.
        weights = make_input(
            Filling.ACTIVATIONS, 1, self.hidden_size, self.input_dtype, self.seed + 2
        )
        found[Role.WEIGHT] = weights[0, : self.hidden_size]
        if not self.adds:
            found[Role.RESIDUAL] = None
        return {
            role: None if tensor is None else tensor.contiguous().to(device)
            for role, tensor in found.items()
        }

    def _gradient(self) -> Tensor:
        # Other numbers than the input's, by another seed.
        made = make_input(
            Filling.ACTIVATIONS, self.num_tokens, self.hidden_size, self.input_dtype, self.seed + 1
        )
        return made[:, self.hidden_size :].contiguous()


def _number(argument: Argument) -> float | bool:
    """Return a number of the formula, or a flag that says nothing."""
    if argument.default is not None:
        return cast("float", ast.literal_eval(argument.default))
    return _NUMBER if argument.role is Role.PARAMETER else False


def _tensor(number: float | None, device: torch.device) -> Tensor | None:
    return None if number is None else torch.tensor(number, dtype=torch.float32, device=device)


def given_scale(recipe: Recipe) -> float | None:
    """Return a scale for a recipe that takes one."""
    return {ScaleRule.GIVEN: 0.03125, ScaleRule.GLOBAL: 40.0}.get(recipe.rule)
