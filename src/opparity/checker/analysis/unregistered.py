"""Operators of the tree's own namespaces and modules that nobody registers."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.analysis.platform_words import PLATFORM_WORDS
from opparity.checker.analysis.spelling import Suggestions
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.names import library_name, module_name
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.python import CallKind
from opparity.words.statements import state

if TYPE_CHECKING:
    from opparity.checker.analysis.linking import Link, Linker
    from opparity.checker.analysis.operators import Operators
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.places import Location
    from opparity.checker.facts.python import Call, PythonFile
    from opparity.words.statements import Statement

_NEAR = 0.75


class Unregistered:
    """Says of what Python uses whether the tree must have it, and has it nowhere."""

    def __init__(self, project: Project, linker: Linker, operators: Operators) -> None:
        self.project = project
        self.operators = operators
        self.suggestions = Suggestions()
        self.named: dict[str, set[str]] = defaultdict(set)
        # Namespace -> what may register in it further, as a clause.
        self.open: dict[str, Statement] = {}
        self.is_all_open = False
        self.unread: Statement | None = None
        for file in project.python.values():
            for each in file.unfollowed:
                self.open.setdefault(each.library, _registration(each.location))
        self.packages: dict[str, set[str]] = defaultdict(set)
        self.importable: set[str] = set()
        for text in project.texts.values():
            for namespace in text.handed:
                library = namespace.decode()
                self.open.setdefault(library, state("doubt.handed", library=library))
        for platform in project.platforms:
            for link in linker.links_on(platform):
                self._note(link)

    def _note(self, link: Link) -> None:
        """Note what a library registers in, and what may register there further."""
        package = link.target.name.rpartition(".")[0]
        module = module_name(link.target)
        self.packages[module].add(package.rpartition(".")[2])
        if link.target.kind != "jit":
            self.importable.add(module)
        libraries = {module}
        for part in link.compiled:
            own = {
                library_name(each.library, link.target)
                for each in part.file.registrations
                if each.kind is not RegistrationKind.IMPL
            }
            libraries |= own
            told = {each.operator for each in part.file.registrations}
            # A helper that binds classes alone is called for some module of the library.
            for library in own or {module}:
                self.named[library] |= part.file.named - told
            for each in part.file.unfollowed:
                library = library_name(each.library, link.target)
                self.open.setdefault(library, _registration(each.location))
        if link.is_complete is Truth.UNKNOWN:
            place = f"{link.target.location.path}:{link.target.location.line}"
            unread = state("doubt.list", target=link.target.name, place=place)
            self.open = {**dict.fromkeys(libraries, unread), **self.open}
            self.unread = self.unread or unread
            self.is_all_open = self.is_all_open or not link.compiled

    @cached_property
    def elsewhere(self) -> dict[str, list[str]]:
        """Return operator -> the full names under which something of that name is registered."""
        found: dict[str, list[str]] = defaultdict(list)
        for name in (*self.operators.known, *self.operators.python):
            found[name.rpartition("::")[2]].append(name)
        for registration in self.project.registrations:  # in whatever file, listed or not
            found[registration.operator].append("")
        return found

    @cached_property
    def asked(self) -> frozenset[str]:
        """Return the operators that some `hasattr` of the tree asks for."""
        return frozenset(
            f"{library.decode()}::{operator.decode()}"
            for text in self.project.texts.values()
            for library, operator in text.asked
        )

    @cached_property
    def platforms(self) -> frozenset[str]:
        """Return the platforms for which the tree builds anything."""
        return frozenset(
            platform.name
            for platform in self.project.platforms
            if self.operators.by_platform[platform.label].has_targets
        )

    def truth(self, file: PythonFile, call: Call) -> Truth:
        """Return whether nobody registers what a call is of; FALSE for what is not the tree's."""
        library, operator = call.library, call.operator
        own = self.operators.modules if call.of_module else self.operators.namespaces
        if library not in own or operator.startswith("__"):
            return Truth.FALSE
        if self.operators.is_anywhere(call.qualified):
            return Truth.FALSE
        module = library.partition(".")[0]
        if call.of_module and not _imports(file, module, self.packages[module]):
            return Truth.FALSE
        if call.of_module and module not in self.importable and not self._is_used(file, library):
            return Truth.FALSE  # `load(name="torchvision", …)`, and a package of that name
        names = self.elsewhere.get(operator, [])
        if "" in names and not any(names):
            return Truth.FALSE  # in a file that no build compiles: that is another rule's business
        # Who asks for an operator somewhere knows that it may be missing.
        if self._is_of_another_platform(operator) or call.qualified in self.asked:
            return Truth.FALSE
        if call.of_module and operator in self.named[library]:
            return Truth.FALSE  # a class or a value of the module
        is_open = (
            self.is_all_open
            or self.operators.is_ambiguous(call)
            or library in self.open
            or "" in self.open
        )
        if is_open or operator in self.named[library]:
            return Truth.UNKNOWN
        return Truth.TRUE

    def _is_used(self, file: PythonFile, library: str) -> bool:
        """Return whether a file uses something of a module that the module has."""
        return any(
            each.library == library and each.operator and self.operators.is_anywhere(each.qualified)
            for each in file.calls
        )

    def doubt(self, call: Call) -> Statement | None:
        """Return what may register a call's operator all the same, as a clause."""
        found = self.open.get(call.library) or self.open.get("")
        return found or (self.unread if self.is_all_open else None)

    def _is_of_another_platform(self, operator: str) -> bool:
        """Return whether an operator's name says a platform that the tree is not built for.

        Another package registers for XPU what vLLM's Python uses there, in vLLM's own namespace.
        """
        named = {
            platform
            for word in operator.lower().split("_")
            for platform in PLATFORM_WORDS.get(word, ())
        }
        return bool(named) and not named & self.platforms

    def near(self, call: Call) -> tuple[str, ...]:
        """Return what is registered under that name in another namespace, or a name like it."""
        same = [name for name in self.elsewhere.get(call.operator, ()) if name]
        if same:
            return tuple(sorted(set(same))[:3])
        own = self._own.get(call.library, ())
        close = self.suggestions.nearest(call.operator, own, 1, _NEAR)
        return tuple(f"{call.library}::{name}" for name in close)

    @cached_property
    def _own(self) -> dict[str, list[str]]:
        """Return the names of the operators that each namespace has."""
        found: dict[str, list[str]] = {}
        for operator in (*self.operators.known, *self.operators.python):
            library, _, name = operator.partition("::")
            found.setdefault(library, []).append(name)
        return found


def _registration(location: Location) -> Statement:
    return state("doubt.registration", place=f"{location.path}:{location.line}")


def _imports(file: PythonFile, module: str, packages: set[str]) -> bool:
    """Return whether a file imports the extension of that name, and no other module of it.

    Where every build makes it in a package, it is imported from one of these.
    """
    imported = [
        call.library.rpartition(".")[0].rpartition(".")[2]
        for call in file.calls
        if call.kind is CallKind.IMPORT and call.library.rpartition(".")[2] == module
    ]
    return any(not package or "" in packages or package in packages for package in imported)
