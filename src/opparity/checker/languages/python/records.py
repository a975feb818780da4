"""What one Python file says, before names are followed into other files."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import UNDECIDED
from opparity.checker.facts.python import Guard
from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.places import Location, Problem
    from opparity.checker.facts.python import Call, Fake, PythonRegistration, TableUse


# Code below this many tests is not judged: each further one would be kept for every line below.
MOST_GUARDS = 100


@fact
class Place:
    """Where a reader is in a file.

    Attributes:
        inside: the function's dotted name; "" at module level.
        guards: what guards the code here.
        at_import: the code runs when the module is imported.
        classes: the classes around it, outermost first.
        loops: variables of the loops around it -> the names in what they visit.
        is_compared: in the operands of a comparison.
    """

    inside: str = ""
    guards: tuple[Guard, ...] = ()
    at_import: bool = True
    classes: tuple[str, ...] = ()
    loops: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_compared: bool = False

    def under(self, guards: tuple[Guard, ...]) -> Place:
        """Return the place with further guards."""
        if len(self.guards) >= MOST_GUARDS:
            unknown = Guard(UNDECIDED, self.guards[-1].location)
            return self if unknown in self.guards[:1] else replace(self, guards=(unknown,))
        if not guards:
            return self
        # By name, replace() takes three times as long, and vLLM 0.33.0 has 10,000 such places.
        every = self.guards + guards
        return Place(self.inside, every, self.at_import, self.classes, self.loops)


@fact
class Returned:
    """A `return`: the guards it stands under, and whether what it returns is true."""

    guards: tuple[Guard, ...]
    value: Condition


@fact
class FunctionFacts:
    """A function, method or class, by its dotted name in the module.

    Attributes:
        guards: those around the `def` or `class`, decorators' included.
        is_implicit: something other than a name in the tree may call it: a decorator keeps it.
    """

    name: str
    location: Location
    guards: tuple[Guard, ...]
    returns: tuple[Returned, ...] = ()
    is_class: bool = False
    is_implicit: bool = False


@fact
class NameUse:
    """A use of a name that may be a function or class of the tree.

    Attributes:
        name: as written, dotted: "ops.rms_norm".
        inside: the enclosing function's dotted name; "" at module level.
        is_call: the name is called here; else it is stored, passed on or derived from.
        candidates: names that a call may pass: its arguments, and what their loops visit.
        bound: the guards of the imports that give the name its meaning.
    """

    name: str
    location: Location
    guards: tuple[Guard, ...]
    inside: str
    at_import: bool
    is_call: bool
    candidates: tuple[str, ...] = ()
    bound: tuple[Guard, ...] = ()


@fact
class ImportSite:
    """An import statement's effect: `bound` names `module` or, with `name`, something in it."""

    module: str
    name: str
    bound: str
    guards: tuple[Guard, ...]
    inside: str
    at_import: bool
    location: Location


@fact
class Computed:
    """A definition whose operator's name is put together from other names, or by calls.

    Attributes:
        registration: its schema has `{name}` for each name, and is "" where there are not names
            alone.
        written: what makes the name, as it is written.
        own: the names that mean something of the functions around it, and no constant.
    """

    registration: PythonRegistration
    written: str
    own: frozenset[str]


@fact
class ModuleFacts:
    """Everything read from one file.

    Attributes:
        computed: definitions under names that are known when every file is; most are a helper's.
        compiled: functions that torch.compile is given.
        faked: the names of operators with a fake that are put together, as they are written.
        variables: module-level names that are assigned once -> whether the value is true.
        locals: (function or class, name) -> the same for names assigned once in it.
        libraries: variables that hold a torch.library.Library -> its namespace.
        texts: module-level names that are given a text -> the text.
        bases: classes -> what they derive from, as written.
    """

    path: str
    calls: tuple[Call, ...] = ()
    registrations: tuple[PythonRegistration, ...] = ()
    computed: tuple[Computed, ...] = ()
    fakes: tuple[Fake, ...] = ()
    compiled: frozenset[str] = frozenset()
    faked: frozenset[str] = frozenset()
    table_uses: tuple[TableUse, ...] = ()
    functions: dict[str, FunctionFacts] = field(default_factory=dict)
    uses: tuple[NameUse, ...] = ()
    imports: tuple[ImportSite, ...] = ()
    variables: dict[str, Condition] = field(default_factory=dict)
    locals: dict[tuple[str, str], Condition] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problem: Problem | None = None

    def around(self, inside: str) -> str:
        """Return the innermost function or class that a dotted name lies in; "" for none."""
        name = inside
        while name and name not in self.functions:
            name = name.rpartition(".")[0]
        return name
