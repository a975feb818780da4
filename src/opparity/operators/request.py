"""What an operator is asked for: its arguments by what they mean, not by their names."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from opparity.errors import ArgumentRefused
from opparity.operators import producer_named
from opparity.operators.declaration import Direction, Role
from opparity.operators.sizes import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from opparity.operators.declaration import Operator, Producer


class Reader:
    """Reads the arguments of one operator's calls."""

    def __init__(self, operator: Operator) -> None:
        arguments = operator.arguments
        self.operator = operator
        self.producer = producer_named(operator.producer)
        self._names = tuple(argument.name for argument in arguments)
        self._defaults: dict[str, Any] = {p.name: p.default for p in self.producer.parameters}
        self._defaults |= {
            argument.name: ast.literal_eval(argument.default)
            for argument in arguments
            if argument.default is not None
        }
        self._names_of_roles: dict[Role, str] = {
            argument.role: argument.name
            for argument in arguments
            if argument.role not in (Role.PARAMETER, Role.UNUSED)
        }
        self._required = tuple(a.role for a in arguments if a.type == "Tensor")
        if operator.in_place:
            self._names_of_roles[Role.VALUES] = self._names_of_roles[Role.INPUT]

    def has(self, role: Role) -> bool:
        """Return whether the operator has an argument with a role."""
        return role in self._names_of_roles

    def place(self, role: Role) -> int:
        """Return the place of the argument with a role."""
        return self._names.index(self._names_of_roles[role])

    def argument(
        self, role: Role, positional: Sequence[object], named: Mapping[str, object]
    ) -> Any:  # noqa: ANN401 -- an argument may be anything
        """Return a call's argument that has no default."""
        place = self.place(role)
        return positional[place] if place < len(positional) else named[self._names[place]]

    def read(self, positional: Sequence[object], named: Mapping[str, object]) -> Request:
        """Return a call's request; torch leaves out arguments that have the default."""
        given: dict[str, Any] = {
            **self._defaults,
            **dict(zip(self._names, positional, strict=False)),
            **named,
        }
        return Request(
            self.operator,
            self.producer,
            self._names_of_roles,
            self._required,
            {role: given[name] for role, name in self._names_of_roles.items()},
            tuple(float(given[p.name]) for p in self.producer.parameters),
        )


_readers: dict[str, Reader] = {}


def reader_of(operator: Operator) -> Reader:
    """Return an operator's reader, made once."""
    name = operator.qualified_name
    if name not in _readers:
        _readers[name] = Reader(operator)
    return _readers[name]


@dataclass(frozen=True, slots=True)
class Request:
    """One call of one operator, before its checks.

    Attributes:
        names: what the operator's schema calls the argument with a role.
        required: the tensors that every call has, in the schema's order.
        arguments: what was given, with the schema's defaults.
        parameters: the producer's numbers, in its order.
    """

    operator: Operator
    producer: Producer
    names: Mapping[Role, str]
    required: tuple[Role, ...]
    arguments: Mapping[Role, Any]
    parameters: tuple[float, ...]

    @property
    def input(self) -> Tensor:
        """The tensor that every operator has."""
        tensor: Tensor = self.arguments[Role.INPUT]
        return tensor

    @property
    def outputs(self) -> tuple[Role, ...]:
        """The arguments that it writes to, where it writes to any."""
        outputs = (Role.VALUES, Role.SCALES, Role.RESIDUAL) if self.operator.mutates else ()
        return tuple(role for role in outputs if role in self.names)

    @property
    def is_backward(self) -> bool:
        """Whether the gradient is asked for as it is."""
        return self.operator.direction is Direction.BACKWARD

    @property
    def quantises_gradient(self) -> bool:
        """Whether the gradient is quantised."""
        return self.operator.quantises_gradient

    @property
    def intermediate(self) -> str:
        """Where the activation is rounded."""
        return str(self.arguments.get(Role.INTERMEDIATE, self.operator.intermediate))

    @property
    def interleaved(self) -> bool:
        """Whether gate and up alternate."""
        return bool(self.arguments.get(Role.INTERLEAVED, self.operator.interleaved))

    @property
    def dtype(self) -> str:
        """The name of the dtype of what the producer reads: the input's, or that of scaled sums."""
        return str(self.arguments.get(Role.DTYPE, name_of(self.input.dtype)))

    def tensor(self, role: Role) -> Tensor | None:
        """Return the tensor with a role, if there is one."""
        found: Tensor | None = self.arguments.get(role)
        return found

    def refuse(self, detail: str) -> NoReturn:
        """Raise ArgumentRefused in the operator's name."""
        # The native library's words would end at a zero byte; these are the same.
        raise ArgumentRefused(operator=self.operator.name, detail=detail.replace("\0", "\\0"))
