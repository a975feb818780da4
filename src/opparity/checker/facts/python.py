"""What Python files say of operators; all frozen, all picklable."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import NEVER, Condition, Predicate
from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from opparity.checker.facts.native import Unfollowed
    from opparity.checker.facts.places import Location, Problem


# Of what stands in a function that a `try` defines: the import that it needs was there, and what is
# missing besides is caught no more when the function is called.
DEFINED_IN_TRY = Predicate("caught", ("definition",))


class CallKind(StrEnum):
    """How Python touches an operator."""

    CALL = "call"
    READ = "read"
    REGISTER_FAKE = "register_fake"
    IMPORT = "import"


@fact
class Guard:
    """A condition around Python code, and where it stands.

    Attributes:
        is_of_module: it is whether the code's module is imported at all.
    """

    condition: Condition
    location: Location
    is_of_module: bool = False


@fact
class Call:
    """A use of an operator (or, for IMPORT, of an extension module) from Python.

    Attributes:
        library: the namespace ("_C") or, for IMPORT, the module's dotted name.
        operator: the operator's name; "" for IMPORT.
        overload: "default" of `.default`; "".
        at_import: the code runs when its module is imported.
        inside: the function's dotted name; "" at module level.
        argument_count: positional and keyword arguments; -1 where a star hides them.
        keywords: names of keyword arguments.
        through: the function of the tree that makes the call, where this is a use of it.
        named: how that function is named there, and
        bound: the guards of the imports that give it this name; and
        imported: where the module that makes this use is known to be imported for a platform.
        is_compared: the operator is read to compare something with it.
        of_module: what is used is an attribute of an extension module, not of `torch.ops`.
        is_compiled: the function around it is compiled by torch.compile, itself or through one that
            calls it.
        shared: where a module that uses this code without a guard imports something for a platform.
    """

    kind: CallKind
    library: str
    operator: str
    location: Location
    guards: tuple[Guard, ...] = ()
    overload: str = ""
    at_import: bool = False
    inside: str = ""
    argument_count: int = -1
    keywords: tuple[str, ...] = ()
    through: str = ""
    named: str = ""
    bound: tuple[Guard, ...] = ()
    imported: Condition = NEVER
    is_compared: bool = False
    shared: Condition = NEVER
    of_module: bool = False
    is_compiled: bool = False

    @property
    def qualified(self) -> str:
        """Return library::operator."""
        return f"{self.library}::{self.operator}" if self.operator else self.library


@fact
class Parameters:
    """What a Python function takes.

    Attributes:
        names: its positional parameters; the last `defaults` of them have defaults.
        keywords: those that are given by keyword alone, each with whether it has a default.
        takes_rest, takes_keywords: it has `*args`, `**kwargs`.
    """

    names: tuple[str, ...] = ()
    defaults: int = 0
    keywords: tuple[tuple[str, bool], ...] = ()
    takes_rest: bool = False
    takes_keywords: bool = False


@fact
class Fake:
    """A function that stands for an operator where its data is not there: `register_fake`.

    Attributes:
        parameters: the function's; None where it is not known which function it is.
        overload: "out" of `name.out`; "" for none.
    """

    library: str
    operator: str
    location: Location
    guards: tuple[Guard, ...] = ()
    parameters: Parameters | None = None
    overload: str = ""


@fact
class PythonRegistration:
    """An operator that Python itself defines: `Library.define`, `custom_op`, a direct helper.

    Attributes:
        inside: the dotted name of the function that defines it when it is called; "" for none.
        is_definition: it is a plain `define` or `custom_op`, and no helper's call.
        is_decorator: it decorates a function.
        schema: the whole schema of a `define`; "" where there is none.
        parameters: those of the function whose signature is the schema; None for no such function.
    """

    library: str
    operator: str
    location: Location
    guards: tuple[Guard, ...] = ()
    inside: str = ""
    schema: str = ""
    parameters: Parameters | None = None
    is_definition: bool = False
    is_decorator: bool = False


@fact
class TableUse:
    """A store into, or a read from, a module-level table: `TABLE[key] = f`, `TABLE[key]`.

    Attributes:
        table: the table's name, after the file that makes it: "fusion.py:QUANT_OPS".
        key: the key's source text.
        is_store: a store; else a read that fails where the key is missing.
        function: the name stored; "".
        inside: the function's dotted name; "" at module level.
        through: the function or class of the tree that reads the key it is given here.
    """

    table: str
    key: str
    location: Location
    is_store: bool
    guards: tuple[Guard, ...] = ()
    at_import: bool = False
    function: str = ""
    inside: str = ""
    through: str = ""


@fact
class PythonFile:
    """Everything read from one Python file.

    Attributes:
        used: the functions and classes that something uses, where another file uses any of them;
            else none.
        unfollowed: definitions of operators whose names could not be worked out.
        faked: the names of operators with a fake that are put together, as they are written.
    """

    path: str
    calls: tuple[Call, ...] = ()
    registrations: tuple[PythonRegistration, ...] = ()
    table_uses: tuple[TableUse, ...] = ()
    used: frozenset[str] = frozenset()
    fakes: tuple[Fake, ...] = ()
    problems: tuple[Problem, ...] = ()
    unfollowed: tuple[Unfollowed, ...] = ()
    faked: frozenset[str] = frozenset()
