"""What producers, operators and implementations are: frozen, and free of torch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.formats import ExpertLayout, Intermediate, ScaleFormat, ScaleRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.platforms import Platform


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a producer's formula.

    Attributes:
        name: in every signature.
        meaning: a phrase.
        default: None where it has to be given.
        positive: whether it must be above zero; otherwise it may be zero or below it too.
    """

    name: str
    meaning: str
    default: float | None = None
    positive: bool = True


@dataclass(frozen=True, slots=True)
class Producer:
    """What is computed from the input before it is quantised.

    A gated one is gate_part(gate) * up_part(up); one that reduces is
    input * row_part(sum of the row's squares) * column_part(weight) * gate_part(gate); any other is
    gate_part(input).
    Its reference is reference/producers.py, its C++ native/producers/<name>.h.

    Attributes:
        name: of the general operator, and of the C++ file.
        functor: its name in C++.
        formula: in words of the glossary.
        gated: whether the input is twice as wide as the output.
        reduces: whether a sum over each row comes first. It then has a weight, a number for each
            column, and a residual can be added to its input.
        takes_gate: whether it has a gate beside the input, a tensor of its own.
        parameters: at most four, in the order in which C++ numbers them.
        used_by: models, for the documentation.
    """

    name: str
    functor: str
    formula: str
    gated: bool = False
    reduces: bool = False
    takes_gate: bool = False
    parameters: tuple[Parameter, ...] = ()
    used_by: str = ""


class Role(StrEnum):
    """What an argument of an operator means; a schema's argument of that name has it."""

    INPUT = "input"
    GRADIENT = "gradient"
    WEIGHT = "weight"
    """A number for each column, of a producer that reduces."""
    GATE = "gate"
    """The gate of a producer that takes one beside its input."""
    RESIDUAL = "residual"
    """What is added to the input first; an operator that writes to its arguments updates it."""
    SUM_GRADIENT = "sum_gradient"
    """The gradient of the sum that a norm read, which is added to that of its input."""
    VALUES = "values"
    SCALES = "scales"
    SCALE = "scale"
    """A given scale: the tensor's, or NVFP4's global one."""
    SCALE_UB = "scale_ub"
    RECIPE = "recipe"
    INTERMEDIATE = "intermediate"
    INTERLEAVED = "interleaved"
    GROUP_SIZE = "group_size"
    IS_SCALE_TRANSPOSED = "is_scale_transposed"
    SCALE_UE8M0 = "scale_ue8m0"
    """Whether scales are rounded up to powers of two."""
    LEAST_AMAX = "eps"
    CODE_MINIMUM = "code_minimum"
    CODE_MAXIMUM = "code_maximum"
    GROUP_SHAPE = "group_shape"
    """Rows and columns that share a given scale; -1 for all of them."""
    EXPERTS = "experts"
    """The name of an expert layout."""
    ROWS = "rows"
    """Which rows are an expert's, numbers on the device."""
    MULTIPLE = "multiple"
    """What an expert's first row is a multiple of, or how many rows a token has."""
    SCALE_OFFSETS = "scale_offsets"
    """At which row of scales an expert's begin, numbers on the device."""
    ROW_WEIGHTS = "row_weights"
    """What each row's products are multiplied by before their scale."""
    TOKEN_SCALES = "token_scales"  # noqa: S105 -- no password
    """What each row's int32 sums are multiplied by, of an operator that reads sums."""
    WEIGHT_SCALES = "weight_scales"
    """What each column's sums are multiplied by after that."""
    DTYPE = "dtype"
    """The name of the dtype that sums are rounded to once they are scaled."""
    ZERO_POINTS = "azp"
    """Zero points of asymmetric codes, which no operator has."""
    PARAMETER = "parameter"
    """A number of the producer's formula, by its name."""
    UNUSED = "unused"
    """The tensor says it already, or it means something for other arguments alone."""


_ROLE_NAMES = frozenset(Role)


class Direction(StrEnum):
    """Whether an operator computes a producer or its gradient."""

    FORWARD = "forward"
    BACKWARD = "backward"
    QUANTISED_GRADIENT = "quantised_gradient"
    """The gradient of the input, which is quantised in place of the producer."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a schema.

    Attributes:
        type: as the schema spells it, such as "Tensor?" or "float".
        default: as the schema spells it; None where there is none.
    """

    name: str
    type: str
    role: Role
    default: str | None


@dataclass(frozen=True)
class Operator:
    """An operator: a producer with a recipe that is named, fixed or read off its tensors.

    Attributes:
        name: in torch.ops.opparity.
        overload: empty for the default one.
        producer: the producer's name.
        schema: torch's, from the opening bracket on.
        direction: forward or backward, and whether a gradient is quantised.
        roles: argument -> role, for arguments that are not named after theirs.
        rule: the scale's rule where no recipe is an argument; the value format is then the
            tensor's.
        scale: the scale's format where no recipe is an argument.
        swizzled: whether its scales are in tiles of 128 x 4; otherwise their strides say how
            they lie.
        unquantised: whether its values are in the input's dtype.
        interleaved: whether gate and up alternate, where that is no argument.
        intermediate: where the activation is rounded, where that is no argument.
        least_scale: what E8M0 scales are rounded up from at least.
        by_token: whether a token's whole row shares a scale, where no recipe is an argument.
        in_place: whether its values are written over the input.
        bounds_amax: whether scale_ub bounds the largest magnitude, and not the scale.
        keeps_sum: whether a norm reads the sum of input and residual before it is rounded to their
            dtype, and not as the residual has it afterwards.
        experts: where its experts' rows are, where that is no argument; None where there are none.
        scale_of_others: what the float32 scales of rows that are no expert's become; 0 where they
            are left as they are.
        recipe: the recipe's text where neither an argument nor a tensor tells it.
        peer: the project and version whose schema it is.
    """

    name: str
    producer: str
    schema: str
    overload: str = ""
    direction: Direction = Direction.FORWARD
    roles: Mapping[str, Role] = field(default_factory=dict)
    rule: ScaleRule = ScaleRule.AMAX
    scale: ScaleFormat = ScaleFormat.FLOAT32
    swizzled: bool = False
    unquantised: bool = False
    interleaved: bool = False
    intermediate: Intermediate = Intermediate.FLOAT32
    least_scale: float = 0.0
    by_token: bool = False
    in_place: bool = False
    bounds_amax: bool = False
    keeps_sum: bool = False
    experts: ExpertLayout | None = None
    scale_of_others: float = 0.0
    recipe: str = ""
    peer: str = ""

    @property
    def qualified_name(self) -> str:
        """Return its name with its overload's."""
        return f"{self.name}.{self.overload}" if self.overload else self.name

    @property
    def mutates(self) -> bool:
        """Return whether it writes to its arguments rather than returning tensors."""
        return self.schema.endswith("-> ()")

    @property
    def has_experts(self) -> bool:
        """Return whether its rows are experts', and not all of them need be valid."""
        return any(argument.role is Role.ROWS for argument in self.arguments)

    @property
    def may_have_experts(self) -> bool:
        """Return whether its rows are experts' only where they are given; otherwise all are."""
        return any(a.role is Role.ROWS and a.type.endswith("?") for a in self.arguments)

    @property
    def has_columns(self) -> bool:
        """Return whether it returns values and scales by columns, too."""
        return self.schema.endswith("Tensor column_scales)")

    @property
    def reads_sums(self) -> bool:
        """Return whether its input is the int32 sums of a product of int8 matrices."""
        return any(argument.role is Role.TOKEN_SCALES for argument in self.arguments)

    @property
    def quantises_gradient(self) -> bool:
        """Return whether it quantises the gradient of its input."""
        return self.direction is Direction.QUANTISED_GRADIENT

    @property
    def is_general(self) -> bool:
        """Return whether it reads every row as numbers, and returns no more than it has to."""
        is_special = self.has_experts or self.has_columns or self.reads_sums
        return not (is_special or self.quantises_gradient)

    @property
    def returns_sum(self) -> bool:
        """Return whether it returns the sum of input and residual beside values and scales."""
        return self.schema.endswith("Tensor sum)")

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """The schema's arguments, in order."""
        listed = self.schema[1 : self.schema.rindex(") ->")]
        return tuple(
            self._argument(text.strip())
            for text in re.split(r",(?![^(]*\))", listed)
            if text.strip() != "*"
        )

    def _argument(self, text: str) -> Argument:
        declared, _, default = text.partition("=")
        kind, _, name = declared.rpartition(" ")
        role = self.roles.get(name)
        if role is None:
            role = Role(name) if name in _ROLE_NAMES else Role.PARAMETER
        return Argument(name, re.sub(r"\(.!\)", "", kind), role, default or None)


@dataclass(frozen=True, slots=True)
class Implementation:
    """One way to compute every operator, and the platforms it is for.

    Attributes:
        provider: its name.
        platforms: where it can serve.
        availability: "module:function", a function of a Platform that returns None where the
            implementation can run in this process, and otherwise the reason why it cannot.
        kernel: "module:function" of an Operator that returns a Python kernel for it; None where the
            native library registers its own.
    """

    provider: str
    platforms: frozenset[Platform]
    availability: str
    kernel: str | None = None
