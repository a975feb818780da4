"""The facts of Python files, with guards from elsewhere: of their users and importers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import ALWAYS, NEVER, Condition, conjunction, disjunction
from opparity.checker.facts.native import Unfollowed
from opparity.checker.facts.python import Call, CallKind, Guard, PythonFile, PythonRegistration
from opparity.checker.languages.python.definitions import Definitions
from opparity.checker.languages.python.importing import Importing
from opparity.checker.languages.python.reach import Reach, users_of
from opparity.checker.languages.python.serving import Serving
from opparity.checker.languages.python.tables import link_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.languages.python.import_graph import ImportGraph
    from opparity.checker.languages.python.names import Names
    from opparity.checker.languages.python.reach import Users
    from opparity.checker.languages.python.records import FunctionFacts, ModuleFacts, NameUse


@dataclass(slots=True)
class Linker:
    """Follows names between the files that were read.

    Attributes:
        surely_imported: files that are imported whenever the tree's packages are.
        followed: files all of whose importers were read.
        extensions: the last names of the extension modules that the tree builds.
        graph: who imports whom, files that were not read included.
        users: where each function and class is named.
        compiled: the functions that torch.compile is given, and those that they call.
    """

    names: Names
    surely_imported: frozenset[str]
    followed: frozenset[str]
    extensions: frozenset[str]
    graph: ImportGraph
    users: Users = field(init=False)
    importing: Importing = field(init=False)
    reach: Reach = field(init=False)
    definitions: Definitions = field(init=False)
    serving: Serving = field(init=False)
    compiled: frozenset[tuple[str, str]] = frozenset()

    def __post_init__(self) -> None:
        self.users = users_of(self.names)
        self.importing = Importing(self.names, self.surely_imported, self.graph)
        self.reach = Reach(self.names, self.followed, self.users)
        self.definitions = Definitions(self.names, self.importing, self.users)
        self.serving = Serving(self.names, self.graph)

    def files(self) -> dict[str, PythonFile]:
        """Return the facts of every file that touches operators."""
        found: dict[str, PythonFile] = {}
        tables = link_tables(self.names)
        used = self._functions_used()
        self.compiled = self._functions_compiled()
        through: dict[str, list[Call]] = {}
        for path, facts in self.names.modules.items():
            for call in self._calls_through(path, facts):
                through.setdefault(call.location.path, []).append(call)
        for path, facts in self.names.modules.items():
            calls = [self._linked(path, call) for call in facts.calls]
            calls.extend(through.get(path, ()))
            calls.extend(self._extension_imports(path, facts))
            defined = list(self.definitions.of(path, facts))
            problems = (facts.problem,) if facts.problem else ()
            file = PythonFile(
                path,
                tuple(calls),
                tuple(each for each in defined if isinstance(each, PythonRegistration)),
                tuple(tables.get(path, ())),
                used.get(path, frozenset()),
                tuple(self.definitions.fakes(path, facts)),
                problems,
                tuple(each for each in defined if isinstance(each, Unfollowed)),
                facts.faked,
            )
            if file != PythonFile(path, used=file.used):
                found[path] = file
        return found

    def _functions_used(self) -> dict[str, frozenset[str]]:
        """Return what of each file is used, where another file uses any of it."""
        found: dict[str, set[str]] = {}
        shared: set[str] = set()
        for (file, name), users in self.users.items():
            outermost = name.partition(".")[0]
            for user, use in users:
                if user != file:
                    shared.add(file)
                if user != file or use.inside.partition(".")[0] != outermost:
                    found.setdefault(file, set()).add(outermost)
        return {file: frozenset(names) for file, names in found.items() if file in shared}

    def _functions_compiled(self) -> frozenset[tuple[str, str]]:
        """Return the functions that torch.compile is given, and those that they call."""
        found = {
            target
            for path, facts in self.names.modules.items()
            for name in facts.compiled
            if (target := self.names.target(path, name)) is not None
        }
        if not found:
            return frozenset()
        callers: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for target, users in self.users.items():
            for user, use in users:
                if use.is_call and use.inside:
                    owner = self.names.modules[user].around(use.inside)
                    callers.setdefault((user, owner), set()).add(target)
        waiting = list(found)
        while waiting:
            for callee in callers.get(waiting.pop(), set()) - found:
                found.add(callee)
                waiting.append(callee)
        return frozenset(found)

    def _linked(self, path: str, call: Call) -> Call:
        guards = self.names.guards(call.guards, path) + self._inherited(path, call)
        shared = self._shared(path, call) if call.is_compared and call.inside else NEVER
        is_compiled = False
        if self.compiled and call.inside:
            owner = self.names.modules[path].around(call.inside)
            is_compiled = (path, owner) in self.compiled
        return replace(call, guards=guards, shared=shared, is_compiled=is_compiled)

    def _inherited(self, path: str, call: Call) -> tuple[Guard, ...]:
        """Return the guards of the function's users, or of the module's importers."""
        if call.at_import or not call.inside:
            return self.importing.guards(path)
        facts = self.names.modules[path]
        owner = facts.around(call.inside)
        reached = self.reach.condition(path, owner) if owner else ALWAYS
        where = facts.functions[owner].location if owner else call.location
        return () if reached == ALWAYS else (Guard(reached, where),)

    def _calls_through(self, path: str, facts: ModuleFacts) -> Iterator[Call]:
        """Yield each use of a plain function that touches operators, as a use of them."""
        for call in facts.calls:
            function = facts.functions.get(call.inside)
            if function is None or function.is_class or "." in call.inside:
                continue
            if call.kind is CallKind.REGISTER_FAKE:
                continue
            own = self.names.guards(call.guards, path)
            yield from self._uses_as_calls(path, function, replace(call, guards=own))

    def _uses_as_calls(self, path: str, function: FunctionFacts, call: Call) -> Iterator[Call]:
        for user, use in self.users.get((path, function.name), ()):
            if not use.is_call or (user == path and use.inside == function.name):
                continue
            guards = self.names.guards(use.guards, user)
            used = replace(
                call,
                kind=CallKind.CALL,
                location=use.location,
                guards=guards + call.guards,
                inside=use.inside,
                at_import=use.at_import,
                argument_count=-1,
                keywords=(),
                through=function.name,
                named=use.name,
                bound=self.names.guards(use.bound, user),
                imported=self._served(user, use, path),
            )
            yield replace(used, guards=used.guards + self._inherited(user, used))

    def _shared(self, path: str, call: Call) -> Condition:
        """Return where a module uses the code around a call that also imports for platforms.

        Such a module is there for those platforms, and what it uses without a guard is as well.
        """
        owner = self.names.modules[path].around(call.inside).partition(".")[0]
        return disjunction(
            *(
                conjunction(self.serving.admitted(user), self.reach.of_use(user, use))
                for user, use in self.users.get((path, owner), ())
                if user != path
            )
        )

    def _served(self, user: str, use: NameUse, path: str) -> Condition:
        """Return where a module is known to take a plain name from another as it is imported."""
        is_plain = "." not in use.name and self.names.is_bound_at_import(user, use, path)
        return self.serving.served(user) if is_plain else NEVER

    def _extension_imports(self, path: str, facts: ModuleFacts) -> Iterator[Call]:
        """Yield imports of the extension modules that the tree builds."""
        for site in facts.imports:
            module = f"{site.module}.{site.name}" if site.name else site.module
            if module.rpartition(".")[2] not in self.extensions and site.name:
                module = site.module  # `from demo._C import f`
            if module.rpartition(".")[2] not in self.extensions or self.names.file_of(module):
                continue
            call = Call(
                CallKind.IMPORT,
                module,
                "",
                site.location,
                site.guards,
                at_import=site.at_import,
                inside=site.inside,
            )
            yield self._linked(path, call)
