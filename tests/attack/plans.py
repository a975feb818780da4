"""Good calls of an operator, drawn from the tables: which tensors it gets and which numbers.

An argument is drawn by its role, so that a new row of the table needs nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from opparity.formats import (
    ExpertLayout,
    Intermediate,
    Recipe,
    ScaleLayout,
    ScaleRule,
    accepted_recipes,
)
from opparity.operators import OPERATORS, producer_named
from opparity.operators.allocation import allocate
from opparity.operators.case import Case, given_scale
from opparity.operators.cases import cases
from opparity.operators.declaration import Role
from opparity.operators.expert_cases import NUM_TOKENS
from opparity.operators.expert_checks import Experts
from opparity.operators.fillings import Filling
from opparity.operators.recipes import scale_dtypes, value_dtypes

if TYPE_CHECKING:
    from random import Random

    from opparity.operators.declaration import Argument, Operator

TOKENS = (0, 1, 1, 2, 3, 3, 4, 5, 7, 8, 13, 16, 17, 31, 33, 64, 127, 128, 129, 200, 300)
WIDTHS = (
    *(1, 2, 3, 4, 5, 8, 15, 16, 17, 24, 31, 32, 33, 48, 63, 64, 65, 96, 100, 127, 128, 129),
    *(192, 250, 256, 257, 300, 384, 512, 520, 600, 1024, 2048, 4096, 4616, 5001),
)
# Elements of most calls, and of the few that several threads share.
USUAL, LARGE = 3000, 120_000
USUAL_WIDTHS = tuple(width for width in WIDTHS if width <= USUAL)
INPUT_DTYPES = (torch.float16, torch.bfloat16, torch.float32)
MOST = 2**31 - 1
_TENSOR_TYPES = ("Tensor", "Tensor?")
_CPU = torch.device("cpu")


@dataclass(slots=True)
class Wanted:
    """A tensor that a call is to get.

    Attributes:
        numbers: what it holds; None for bytes that are drawn.
        kind: what it is besides a plain tensor on the CPU, as mistakes.py has it.
        shares: with which argument's memory it is to share bytes.
        distance: by how many bytes it then lies behind the other's first one.
        at_end: whether it ends where no memory is; otherwise `begin` says where it begins.
        shift: bytes by which it is off the address that its dtype asks for.
    """

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: torch.dtype
    numbers: list[int] | list[float] | None = None
    kind: str = ""
    shares: str = ""
    distance: int = 0
    at_end: bool = True
    begin: int = 0
    shift: int = 0


@dataclass(slots=True)
class Plan:
    """A call before its memory is made.

    Attributes:
        wanted: tensors by their arguments' names.
        values: everything else by its name, and None for tensors left out.
        typed: whether each argument is of the type that the schema says, so that the refusal has to
            be the operator's own.
        mistakes: what was made wrong, in words.
    """

    operator: Operator
    wanted: dict[str, Wanted] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    typed: bool = True
    mistakes: list[str] = field(default_factory=list)


BY_NAME = {operator.qualified_name: operator for operator in OPERATORS}
# A row reads its schema anew at each question.
ARGUMENTS = {name: operator.arguments for name, operator in BY_NAME.items()}
HAS_EXPERTS = frozenset(name for name, operator in BY_NAME.items() if operator.has_experts)


@cache
def output_names(name: str) -> frozenset[str]:
    """Return the names of the tensors that an operator writes to."""
    operator = BY_NAME[name]
    roles = {Role.VALUES, Role.SCALES, Role.RESIDUAL} if operator.mutates else set()
    if operator.in_place:
        roles.add(Role.INPUT)
    return frozenset(argument.name for argument in ARGUMENTS[name] if argument.role in roles)


@cache
def recipes_of(name: str) -> tuple[Recipe, ...]:
    """Return what an operator can be asked for: any recipe, or those of its cases."""
    if any(argument.role is Role.RECIPE for argument in ARGUMENTS[name]):
        return tuple(sorted(set(accepted_recipes().values()), key=str))
    own = {case.recipe for case in cases() if case.operator == name}
    return tuple(sorted(own, key=str))


@cache
def _usual_values(name: str, recipe: Recipe) -> dict[str, Any]:
    """Return a case's arguments that are no tensors."""
    operator = BY_NAME[name]
    layout = (operator.experts or ExpertLayout.MASKED) if name in HAS_EXPERTS else None
    case = Case(
        name,
        Filling.ACTIVATIONS,
        3 if layout is None else NUM_TOKENS,
        32,
        "float32",
        recipe,
        scale=given_scale(recipe),
        experts=layout,
    )
    found = case.arguments(operator, _CPU)
    types = {argument.name: argument.type for argument in ARGUMENTS[name]}
    return {name: value for name, value in found.items() if types[name] not in _TENSOR_TYPES}


def draw(operator: Operator, random: Random) -> Plan:
    """Return a call that an operator should answer."""
    drawing = _Drawing(operator, random)
    plan = Plan(operator, values=drawing.values())
    for argument in ARGUMENTS[operator.qualified_name]:
        if argument.type not in _TENSOR_TYPES:
            continue
        wanted = drawing.tensor(argument)
        if wanted is None:
            plan.values[argument.name] = None
        else:
            plan.wanted[argument.name] = wanted
    return plan


class _Drawing:
    """What the arguments of one call have in common."""

    def __init__(self, operator: Operator, random: Random) -> None:
        self._operator, self._random = operator, random
        self._arguments = ARGUMENTS[operator.qualified_name]
        self._written = output_names(operator.qualified_name)
        self._producer = producer_named(operator.producer)
        self._recipe = random.choice(recipes_of(operator.qualified_name))
        self._layout: ExpertLayout | None = None
        if operator.qualified_name in HAS_EXPERTS and not (
            operator.may_have_experts and random.random() < 0.5
        ):
            self._layout = operator.experts or random.choice(list(ExpertLayout))
        self._dtype = random.choice(INPUT_DTYPES)
        self._width, tokens = self._sizes()
        self._experts = None if self._layout is None else self._draw_experts(tokens)
        self._tokens = tokens if self._experts is None else self._all_tokens(self._experts)
        self._allocated: dict[Role, Wanted] = {}

    def _sizes(self) -> tuple[int, int]:
        random = self._random
        most = LARGE if random.random() < 1 / 128 else USUAL
        width = random.choice(WIDTHS if most == LARGE else USUAL_WIDTHS)
        if self._recipe.format is not None and self._recipe.format.bits < 8:
            width += width % 2
        return width, random.choice([t for t in TOKENS if t * width <= most])

    def _draw_experts(self, tokens: int) -> Experts:
        """Return where experts' rows are; `rows` holds how many numbers there are of them."""
        random, layout = self._random, self._layout
        assert layout is not None
        count = 1 if layout is ExpertLayout.TOKENS else random.choice((1, 2, 3, 4, 5, 9))
        room = tokens
        if layout is ExpertLayout.MASKED:
            # Not so many that all experts' rows would take longer than the rest.
            room = min(tokens, max(1, USUAL // (count * self._width)) if tokens else 0)
        numbers = torch.empty(count + (layout is ExpertLayout.OFFSETS), device="meta")
        has_multiple = layout in (ExpertLayout.PSUM, ExpertLayout.TOKENS)
        multiple = random.choice((1, 2, 3, 8, 128, MOST)) if has_multiple else 1
        offsets = None
        is_tiled = self._recipe.layout is ScaleLayout.SWIZZLE_128X4
        named = {a.role: a.type for a in self._arguments}
        required = named.get(Role.SCALE_OFFSETS) == "Tensor"
        if required or (is_tiled and layout is ExpertLayout.OFFSETS and random.random() < 0.5):
            offsets = torch.empty(count + random.randrange(2), device="meta")
        experts = Experts(layout, numbers, count, room, multiple, offsets)
        return experts if offsets is None else experts.with_rows_of_tiles()

    def _all_tokens(self, experts: Experts) -> int:
        return experts.count * experts.room if experts.is_masked else experts.room

    def values(self) -> dict[str, Any]:
        """Return the arguments that are no tensors."""
        random = self._random
        found = dict(_usual_values(self._operator.qualified_name, self._recipe))
        drawn: dict[Role, Any] = {
            Role.INTERMEDIATE: str(random.choice(list(Intermediate))),
            Role.INTERLEAVED: random.random() < 0.5,
            Role.GROUP_SHAPE: random.choice((None, [-1, -1])),
            Role.DTYPE: str(self._dtype).removeprefix("torch."),
        }
        if self._experts is not None:
            drawn[Role.EXPERTS] = str(self._experts.layout)
            drawn[Role.MULTIPLE] = self._experts.multiple
        for argument in self._arguments:
            if argument.role in drawn and argument.name in found:
                found[argument.name] = drawn[argument.role]
            if argument.role in (Role.PARAMETER, Role.LEAST_AMAX) and random.random() < 0.3:
                found[argument.name] = random.choice((1.0, 0.5, 1e-30, 1e30, 3.7, 1e-6, 44.0))
        return found

    def tensor(self, argument: Argument) -> Wanted | None:
        """Return the tensor of an argument, or None to leave it out."""
        random, role, width = self._random, argument.role, self._width
        if role in (Role.VALUES, Role.SCALES):
            return self._output(role)
        if role in (Role.ROWS, Role.SCALE_OFFSETS):
            return self._indices(role)
        if role is Role.SCALE:
            return self._given_scale()
        if role is Role.ZERO_POINTS or (argument.type == "Tensor?" and random.random() < 0.5):
            return None
        if role is Role.SCALE_UB:
            return self._bound()
        if role is Role.ROW_WEIGHTS:
            return self._weights()
        if role is Role.WEIGHT:
            return Wanted((width,), (1,), self._dtype)
        if role in (Role.TOKEN_SCALES, Role.WEIGHT_SCALES):
            return self._scales_of_sums(role)
        return self._matrix(argument)

    def _matrix(self, argument: Argument) -> Wanted:
        """Return the tensor of an argument that has a row for each token."""
        random, role, width, dtype = self._random, argument.role, self._width, self._dtype
        if role is Role.GRADIENT and random.random() < 0.5:
            dtype = torch.float32
        if role is Role.INPUT and self._operator.reads_sums:
            dtype = torch.int32
        columns = width * 2 if role is Role.INPUT and self._producer.gated else width
        return self._rows(columns, dtype, may_repeat=argument.name not in self._written)

    def _rows(self, columns: int, dtype: torch.dtype, *, may_repeat: bool) -> Wanted:
        """Return a matrix, or experts' matrices, with rows that may lie apart."""
        random = self._random
        step = columns + random.choice((0, 0, 0, 1, 7, 64))
        if may_repeat and random.random() < 0.05:
            step = random.choice((0, 1, columns // 2))
        if self._experts is not None and self._experts.is_masked:
            count, room = self._experts.count, self._experts.room
            return Wanted((count, room, columns), (room * step, step, 1), dtype)
        return Wanted((self._tokens, columns), (step, 1), dtype)

    def _output(self, role: Role) -> Wanted:
        """Return an output as it would be allocated, or with a gap behind its rows."""
        if not self._allocated:
            like = torch.empty(0, dtype=self._dtype, device="meta")
            sizes = (self._tokens, self._width)
            made = allocate(self._recipe, *sizes, like, self._experts)
            for name, tensor in zip((Role.VALUES, Role.SCALES), made, strict=True):
                found = Wanted(tuple(tensor.shape), tensor.stride(), tensor.dtype)
                self._allocated[name] = self._varied(name, found)
        return self._allocated[role]

    def _varied(self, role: Role, wanted: Wanted) -> Wanted:
        random, recipe = self._random, self._recipe
        names = scale_dtypes(recipe) if role is Role.SCALES else ()
        if role is Role.VALUES and recipe.format is not None:
            names = value_dtypes(recipe.format)
        dtypes = [getattr(torch, name) for name in names]
        alike = [dtype for dtype in dtypes if dtype.itemsize == wanted.dtype.itemsize]
        wanted = replace(wanted, dtype=random.choice([wanted.dtype, *alike]))
        flags = [a for a in self._arguments if a.role is Role.IS_SCALE_TRANSPOSED]
        if role is Role.SCALES and flags and len(wanted.sizes) == 2 and random.random() < 0.3:
            wanted = replace(wanted, sizes=wanted.sizes[::-1], strides=wanted.strides[::-1])
        if len(wanted.sizes) == 2 and random.random() < 0.3 and recipe.layout != "swizzle_128x4":
            # The outer dimension's step; one that a layout does not allow is refused.
            outer = 0 if wanted.strides[0] >= wanted.strides[1] else 1
            steps = list(wanted.strides)
            steps[outer] += random.choice((1, 16, 16, 48))
            wanted = replace(wanted, strides=tuple(steps))
        return wanted

    def _indices(self, role: Role) -> Wanted | None:
        """Return numbers that say where experts' rows or scales are: a router's, or no router's."""
        experts, random = self._experts, self._random
        if experts is None:
            return None
        tensor = experts.rows if role is Role.ROWS else experts.scale_offsets
        if tensor is None:
            return None
        most, count = experts.room, tensor.numel()
        if role is Role.SCALE_OFFSETS:
            most = experts.scale_rows
        if random.random() < 0.5:
            numbers = sorted(random.randint(0, max(most, 0)) for _ in range(count))
            if role is Role.SCALE_OFFSETS:
                numbers = [number // 128 * 128 for number in numbers]
            elif experts.layout is ExpertLayout.OFFSETS and random.random() < 0.8:
                numbers[0], numbers[-1] = 0, most
        else:
            hostile = (0, 1, -1, most, most + 1, most - 1, MOST, -MOST - 1, most // 2, -7)
            numbers = [random.choice(hostile) for _ in range(count)]
        return Wanted((count,), (1,), torch.int32, numbers)

    def _given_scale(self) -> Wanted | None:
        scale = given_scale(self._recipe)
        if scale is None:
            return None
        count = 1
        if self._experts is not None and self._random.random() < 0.5:
            count = self._experts.count
        choices = (scale, 1.0, 1e-3, 3e38, 1e-42, 448.0)
        return self._number([self._random.choice(choices) for _ in range(count)])

    def _bound(self) -> Wanted | None:
        if self._recipe.rule is not ScaleRule.AMAX:
            return None
        return self._number([self._random.choice((1e-3, 1.0, 1e-38, 3e38, float("inf")))])

    def _weights(self) -> Wanted:
        sizes: tuple[int, ...] = (self._tokens,)
        if self._experts is not None and self._experts.is_masked:
            sizes = (self._experts.count, self._experts.room)
        return Wanted(sizes, _contiguous(sizes), torch.float32)

    def _scales_of_sums(self, role: Role) -> Wanted:
        """Return a scale for each row or column, with any step between columns of one."""
        count = self._width * (1 + self._producer.gated)
        if role is Role.TOKEN_SCALES:
            count = self._tokens
        return Wanted((count, 1), (1, self._random.choice((1, 1, 5))), torch.float32)

    def _number(self, numbers: list[float]) -> Wanted:
        """Return float32 numbers; of a single one, in up to three dimensions."""
        if len(numbers) > 1:
            return Wanted((len(numbers),), (1,), torch.float32, numbers)
        sizes = (1,) * self._random.randrange(4)
        return Wanted(sizes, sizes, torch.float32, numbers)


def _contiguous(sizes: tuple[int, ...]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(sizes):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))
