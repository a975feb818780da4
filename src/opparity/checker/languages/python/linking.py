"""Guards from elsewhere: where a function is stored, a class is made, a module is imported."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import (
    ALWAYS,
    NEVER,
    UNDECIDED,
    Condition,
    conjunction,
    disjunction,
    permissive,
)
from opparity.checker.facts.native import Unfollowed
from opparity.checker.facts.places import Location
from opparity.checker.facts.python import (
    Call,
    CallKind,
    Fake,
    Guard,
    PythonFile,
    PythonRegistration,
)
from opparity.checker.languages.python.operator_uses import SCHEMA, is_helper
from opparity.checker.languages.python.records import Computed
from opparity.checker.languages.python.serving import Serving, names_platform
from opparity.checker.languages.python.tables import link_tables
from opparity.checker.languages.python.templates import filled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.languages.python.import_graph import ImportGraph
    from opparity.checker.languages.python.names import Names
    from opparity.checker.languages.python.records import (
        FunctionFacts,
        ImportSite,
        ModuleFacts,
        NameUse,
    )

_MOST_DEPTH = 4
_OWNER = re.compile(r"(\w+)::")
# Methods by which a class says where it works; whoever chooses among classes asks them first.
_SAYS_WHERE = re.compile(
    r"_?(?:is_supported|can_implement|is_available|supported|supports_(?:current_)?(?:device|platform)"
    r"|is_(?:device|platform)_supported)"
)


@dataclass(slots=True)
class Linker:
    """Follows names between the files that were read.

    Attributes:
        surely_imported: files that are imported whenever the tree's packages are.
        followed: files all of whose importers were read.
        extensions: the last names of the extension modules that the tree builds.
        users: (file, function or class) -> where it is named.
        sites: file -> where it is imported.
        graph: who imports whom, files that were not read included.
    """

    names: Names
    surely_imported: frozenset[str]
    followed: frozenset[str]
    extensions: frozenset[str]
    graph: ImportGraph
    users: dict[tuple[str, str], list[tuple[str, NameUse]]] = field(default_factory=dict)
    reached: dict[tuple[str, str], Condition] = field(default_factory=dict)
    loaded: dict[str, Condition] = field(default_factory=dict)
    default_library: str = ""
    compiled: frozenset[tuple[str, str]] = frozenset()
    serving: Serving = field(init=False)
    sites: dict[str, list[tuple[str, ImportSite]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.serving = Serving(self.names, self.graph)
        self._index_imports()
        self.default_library = self._default_library()
        for path, facts in self.names.modules.items():
            for use in facts.uses:
                target = self._named(path, use)
                if target:
                    bound = self.names.binding_guards(path, use, target[0])
                    named = replace(use, guards=use.guards + bound, bound=bound) if bound else use
                    self.users.setdefault(target, []).append((path, named))

    def _index_imports(self) -> None:
        for path, facts in self.names.modules.items():
            for site in facts.imports:
                module = self.names.file_of(f"{site.module}.{site.name}") if site.name else None
                for imported in {module, self.names.file_of(site.module)} - {None, path}:
                    self.sites.setdefault(str(imported), []).append((path, site))

    def _named(self, path: str, use: NameUse) -> tuple[str, str] | None:
        """Return the function or class of the tree that a use names, methods by their class."""
        target = self.names.target(path, use.name)
        facts = self.names.modules.get(target[0]) if target else None
        if target is None or facts is None:
            return None
        name = target[1]
        while name and name not in facts.functions:
            name = name.rpartition(".")[0]
        return (target[0], name) if name else None

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
            defined = list(self._registrations(path, facts))
            problems = (facts.problem,) if facts.problem else ()
            file = PythonFile(
                path,
                tuple(calls),
                tuple(each for each in defined if isinstance(each, PythonRegistration)),
                tuple(tables.get(path, ())),
                used.get(path, frozenset()),
                tuple(self._fakes(path, facts)),
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
                    owner = _definition(use.inside, self.names.modules[user])
                    callers.setdefault((user, owner), set()).add(target)
        waiting = list(found)
        while waiting:
            for callee in callers.get(waiting.pop(), set()) - found:
                found.add(callee)
                waiting.append(callee)
        return frozenset(found)

    def _fakes(self, path: str, facts: ModuleFacts) -> Iterator[Fake]:
        for fake in facts.fakes:
            library = fake.library or self.default_library
            guards = self.names.guards(fake.guards, path)
            imported = self.import_condition(path)
            if imported != ALWAYS:
                guards += (Guard(imported, Location(path, 1), is_of_module=True),)
            if library:
                yield replace(fake, library=library, guards=guards)

    def _linked(self, path: str, call: Call) -> Call:
        guards = self.names.guards(call.guards, path) + self._inherited(path, call)
        shared = self._shared(path, call) if call.is_compared and call.inside else NEVER
        is_compiled = False
        if self.compiled and call.inside:
            owner = _definition(call.inside, self.names.modules[path])
            is_compiled = (path, owner) in self.compiled
        return replace(call, guards=guards, shared=shared, is_compiled=is_compiled)

    def _inherited(self, path: str, call: Call) -> tuple[Guard, ...]:
        """Return the guards of the function's users, or of the module's importers."""
        if call.at_import or not call.inside:
            imported = self.import_condition(path)
            return (
                ()
                if imported == ALWAYS
                else (Guard(imported, Location(path, 1), is_of_module=True),)
            )
        facts = self.names.modules[path]
        owner = _definition(call.inside, facts)
        reached = self.reach(path, owner) if owner else ALWAYS
        where = facts.functions[owner].location if owner else call.location
        return () if reached == ALWAYS else (Guard(reached, where),)

    # ---- functions and classes

    def reach(self, path: str, name: str) -> Condition:
        """Return the condition under which a function or class of the tree is used at all."""
        key = (path, name)
        if key not in self.reached:
            self.reached[key] = ALWAYS
            self.reached[key] = self._reach(path, name)
        return self.reached[key]

    def _reach(self, path: str, name: str) -> Condition:
        function = self.names.modules[path].functions[name]
        if function.is_class:
            return conjunction(self._used(path, name), self._supported(path, name))
        return self._used(path, name)

    def _supported(self, path: str, name: str) -> Condition:
        """Return where a class says that it works: `can_implement` turns platforms away."""
        methods = self.names.methods(path, name)
        asked = [
            self.names.answer(*place)
            for method, place in methods.items()
            if _SAYS_WHERE.fullmatch(method)
        ]
        return conjunction(*(permissive(condition) for condition in asked))

    def _used(self, path: str, name: str) -> Condition:
        function = self.names.modules[path].functions[name]
        outer = name.rpartition(".")[0]
        if outer and outer in self.names.modules[path].functions:
            return self.reach(path, outer)
        uses = [
            (user, use)
            for user, use in self.users.get((path, name), ())
            if not (user == path and (use.inside + ".").startswith(name + "."))
        ]
        private = name.startswith("_")
        if function.is_implicit or not uses or not (private or path in self.followed):
            return ALWAYS
        conditions = [self._use_condition(user, use) for user, use in uses]
        return ALWAYS if ALWAYS in conditions else disjunction(*conditions)

    def _use_condition(self, path: str, use: NameUse) -> Condition:
        guards = self.names.guards(use.guards, path)
        own = conjunction(*(guard.condition for guard in guards))
        facts = self.names.modules[path]
        owner = _definition(use.inside, facts)
        if use.at_import or not owner:
            return own
        return conjunction(own, self.reach(path, owner))

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

    # ---- modules

    def _shared(self, path: str, call: Call) -> Condition:
        """Return where a module uses the code around a call that also imports for platforms.

        Such a module is there for those platforms, and what it uses without a guard is as well.
        """
        owner = _definition(call.inside, self.names.modules[path])
        owner = owner.partition(".")[0]
        return disjunction(
            *(
                conjunction(self.serving.admitted(user), self._use_condition(user, use))
                for user, use in self.users.get((path, owner), ())
                if user != path
            )
        )

    def _served(self, user: str, use: NameUse, path: str) -> Condition:
        """Return where a module is known to take a plain name from another as it is imported."""
        is_plain = "." not in use.name and self.names.is_bound_at_import(user, use, path)
        return self.serving.served(user) if is_plain else NEVER

    def import_condition(self, path: str, depth: int = 0) -> Condition:
        """Return the condition under which a module is imported.

        An import under a test of the platform counts as happening where the test holds;
        an import that only some function makes is undecided.
        """
        if path in self.surely_imported:
            return ALWAYS
        if path in self.loaded:
            return self.loaded[path]
        if depth > _MOST_DEPTH:
            return UNDECIDED
        self.loaded[path] = UNDECIDED
        sites = [
            self._site_condition(importer, site, depth)
            for importer, site in self.sites.get(path, ())
        ]
        unread = self.graph.importers.get(path, set()) - self.names.modules.keys()
        conditional = unread & self.graph.elsewhere.get(path, set())
        at_margin = sorted(unread - conditional)
        sites.extend(self.import_condition(importer, depth + 1) for importer in at_margin)
        if conditional:
            sites.append(UNDECIDED)
        if sites:
            self.loaded[path] = ALWAYS if ALWAYS in sites else disjunction(*sites)
        return self.loaded[path]

    def _site_condition(self, importer: str, site: ImportSite, depth: int) -> Condition:
        guards = self.names.guards(site.guards, importer)
        own = conjunction(*(guard.condition for guard in guards))
        if names_platform(own):
            return own
        if site.at_import:
            return conjunction(own, self.import_condition(importer, depth + 1))
        return conjunction(own, UNDECIDED)

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

    # ---- registrations

    def _registrations(
        self, path: str, facts: ModuleFacts
    ) -> Iterator[PythonRegistration | Unfollowed]:
        """Yield what a file defines, and the definitions whose names are not known."""
        plain = (Computed(each, each.operator, frozenset()) for each in facts.registrations)
        for each in (*plain, *facts.computed):
            registration = each.registration
            named = self._with_texts(path, registration, each.own)
            library = named.library or self.default_library
            is_computed = "{" in registration.library or not registration.operator
            # What the tree's own helper defines, its calls say.
            if is_computed and not named.operator and not is_helper(registration.inside):
                written = _OWNER.match(registration.schema)
                owner = "" if "{" in registration.library else registration.library
                yield Unfollowed(
                    each.written, written[1] if written else owner, registration.location
                )
            elif library and named.operator:
                guards = self.names.guards(registration.guards, path)
                imported = self.import_condition(path)
                if imported != ALWAYS:
                    guards += (Guard(imported, Location(path, 1), is_of_module=True),)
                called = self._called_at_import(path, registration.inside)
                if called != ALWAYS:
                    guards += (Guard(called, registration.location),)
                yield replace(named, library=library, guards=guards)

    def _with_texts(
        self, path: str, registration: PythonRegistration, own: frozenset[str]
    ) -> PythonRegistration:
        """Return a registration with the names in it replaced by their texts; no operator if none.

        Args:
            path: the file.
            registration: a definition.
            own: the names in it that are no constants' there.
        """
        if "{" not in registration.library + registration.schema:
            return registration

        def text_of(name: str) -> str:
            return "" if name.partition(".")[0] in own else self.names.text(path, name)

        library = filled(registration.library, text_of)
        schema = filled(registration.schema, text_of)
        match = SCHEMA.match(schema)
        operator = match["operator"] if match else registration.operator
        owner = (match and match["library"]) or library
        if "{" in registration.library and not owner:
            operator = ""
        schema = schema if "(" in schema else ""
        return replace(registration, library=owner, operator=operator, schema=schema)

    def _called_at_import(self, path: str, name: str) -> Condition:
        """Return the condition under which a function is called while modules are imported."""
        if not name:
            return ALWAYS
        calls = [
            conjunction(
                *(guard.condition for guard in self.names.guards(use.guards, user)),
                ALWAYS if user == path else self.import_condition(user),
            )
            for user, use in self.users.get((path, name), ())
            if use.is_call and use.at_import
        ]
        return disjunction(*calls) if calls else UNDECIDED

    def _default_library(self) -> str:
        """Return the library of the tree's own helper that defines operators; "" without one."""
        found = {
            library
            for facts in self.names.modules.values()
            if any(name.endswith("register_custom_op") for name in facts.functions)
            for library in facts.libraries.values()
        }
        return next(iter(found)) if len(found) == 1 else ""


def _definition(inside: str, facts: ModuleFacts) -> str:
    """Return the outermost function or class that a dotted name lies in; "" for none."""
    name = inside
    while name and name not in facts.functions:
        name = name.rpartition(".")[0]
    return name
