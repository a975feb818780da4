"""Which operators exist on a platform, as a Python process there would find them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.analysis.guards import asks_for, is_caught
from opparity.checker.facts.conditions import (
    Atom,
    Condition,
    Nowhere,
    Predicate,
    Truth,
    all_of,
    any_of,
    evaluate,
    truth_of,
)
from opparity.checker.facts.names import library_name, module_name
from opparity.checker.facts.native import Registration, RegistrationKind
from opparity.checker.facts.records import fact
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.linking import Link, Linker
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.builds import Target
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import Call, Guard, PythonRegistration
    from opparity.words.statements import Statement

_DEFINING = frozenset({RegistrationKind.DEF, RegistrationKind.BIND})


@fact
class Defined:
    """A definition of an operator that a target may compile."""

    registration: Registration
    target: Target
    truth: Truth


@dataclass(slots=True)
class PlatformOperators:
    """The operators of one platform.

    Attributes:
        native: qualified name -> its definitions there.
        open_libraries: namespaces that something unread may add to.
        unread_libraries: those among them whose lists may have any file of the tree.
        has_targets: the platform builds anything, and operators if the tree has any for torch.
        descriptions: the build descriptions that make something there.
        modules: the last names of what it builds.
        keys: operator -> the dispatch keys that it is implemented for.
    """

    native: dict[str, list[Defined]] = field(default_factory=dict)
    open_libraries: set[str] = field(default_factory=set)
    unread_libraries: set[str] = field(default_factory=set)
    has_targets: bool = False
    descriptions: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    keys: dict[str, set[str]] = field(default_factory=dict)


@fact
class Absence:
    """Whether an operator is missing where it is touched, and why.

    `is_conditional`: the tree registers it, under a condition of its own.
    """

    truth: Truth
    reason: Statement
    is_conditional: bool = False


class Operators:
    """The operators of a tree on each of its platforms.

    Attributes:
        known: those that native code defines somewhere, or implements for Python, by full name.
        implemented: those that it implements.
        makers, descriptions: the last name of a module -> the sources of each target that makes it,
            and the build descriptions that have such a target.
        libraries: the namespaces and modules that it defines them in; and
        namespaces, modules: of these, those of torch's dispatcher, and those of pybind11 and the
            like.
    """

    def __init__(self, project: Project, linker: Linker) -> None:
        self.project = project
        self.linker = linker
        self.known: dict[str, None] = {}
        self.makers: dict[str, list[frozenset[str]]] = {}
        self.descriptions: dict[str, set[str]] = {}
        self.libraries: set[str] = set()
        self.namespaces: set[str] = set()
        self.modules: set[str] = set()
        self.bound: set[str] = set()
        self.implemented: set[str] = set()
        self.python: dict[str, list[PythonRegistration]] = {}
        self.found: dict[tuple[str, str], Truth] = {}
        self.by_platform = {each.label: self._read(each) for each in project.platforms}
        for found in self.by_platform.values():
            # A helper module alone leaves the operators to whoever brings the platform.
            own = {name.rpartition("::")[0] for name in found.native}
            is_served = not self.namespaces or not self.namespaces.isdisjoint(own)
            found.has_targets = found.has_targets and is_served
        for file in project.python.values():
            for registration in file.registrations:
                name = f"{registration.library}::{registration.operator}"
                self.python.setdefault(name, []).append(registration)
        self.known.update(dict.fromkeys(self.implemented & self.python.keys()))

    def _read(self, platform: Platform) -> PlatformOperators:
        found = PlatformOperators()
        for link in self.linker.links_on(platform):
            found.has_targets = True
            target = link.target
            module = module_name(target)
            found.modules.add(module)
            found.descriptions.add(link.description)
            self.descriptions.setdefault(module, set()).add(link.description)
            made = self.makers.setdefault(module, [])
            made.append(frozenset(source.path for source in target.sources))
            if link.is_complete is not Truth.TRUE:
                own = {module, *_namespaces(link)}
                found.open_libraries |= own
                if link.is_complete is Truth.UNKNOWN:
                    found.unread_libraries |= own
            for compiled in link.compiled:
                for registration in compiled.file.registrations:
                    library = library_name(registration.library, target)
                    name = f"{library}::{registration.operator}"
                    if registration.kind not in _DEFINING:
                        self.implemented.add(name)
                        if compiled.truth(registration.condition) is not Truth.FALSE:
                            found.keys.setdefault(name, set()).add(registration.key)
                        continue
                    self.known[name] = None
                    self.libraries.add(library)
                    if registration.kind is RegistrationKind.BIND:
                        self.bound.add(name)
                        self.modules.add(library)
                    else:
                        self.namespaces.add(library)
                    truth = all_of((target.built, compiled.truth(registration.condition)))
                    defined = Defined(registration, target, truth)
                    found.native.setdefault(name, []).append(defined)
        return found

    def defined_in_python(self) -> Iterator[Registration]:
        """Yield what Python defines by a schema, as C++ would have written it."""
        for registrations in self.python.values():
            for each in registrations:
                if each.schema:
                    yield Registration(
                        RegistrationKind.DEF,
                        each.library,
                        each.operator,
                        each.location,
                        "python",
                        schema=each.schema,
                    )

    def is_ambiguous(self, call: Call) -> bool:
        """Return whether several modules are imported by the name that a call's has.

        They have no source in common: each belongs to a package of its own.
        """
        made = self.makers.get(call.library.partition(".")[0], [])
        return call.of_module and any(made[0].isdisjoint(each) for each in made[1:] if each)

    def is_of_another_package(self, platform: Platform, call: Call) -> bool:
        """Return whether a call is of a module whose build makes nothing at all on a platform."""
        makers = self.descriptions.get(call.library, set())
        return self.is_unbuilt_module(platform, call) and makers.isdisjoint(
            self.by_platform[platform.label].descriptions
        )

    def is_unbuilt_module(self, platform: Platform, call: Call) -> bool:
        """Return whether a call is of an extension module that a platform does not build at all."""
        made = self.by_platform[platform.label].modules
        return call.qualified in self.bound and call.library not in made

    def is_ours(self, name: str) -> bool:
        """Return whether the tree's native code defines an operator on some platform."""
        return name in self.known

    def is_anywhere(self, name: str) -> bool:
        """Return whether the tree defines an operator on some platform, in whatever language."""
        return name in self.known or name in self.python

    def definitions(self, platform: Platform, name: str) -> list[Defined]:
        """Return the native definitions that a platform may compile."""
        found = self.by_platform[platform.label].native.get(name, [])
        return [each for each in found if each.truth is not Truth.FALSE]

    def keys(self, platform: Platform, name: str) -> frozenset[str]:
        """Return the dispatch keys that a platform may implement an operator for; "" is all."""
        return frozenset(self.by_platform[platform.label].keys.get(name, ()))

    def is_open(self, platform: Platform, name: str) -> bool:
        """Return whether a list that was not read to its end may define an operator there.

        Sources from outside the tree are no question: they define operators of their own.
        """
        library = name.rpartition("::")[0]
        return library in self.by_platform[platform.label].unread_libraries

    def exists(self, platform: Platform, name: str) -> Truth:
        """Return whether `torch.ops` has an operator on a platform, its extension loaded."""
        key = (platform.label, name)
        if key not in self.found:
            self.found[key] = self._exists(platform, name)
        return self.found[key]

    def _exists(self, platform: Platform, name: str) -> Truth:
        here = self.by_platform[platform.label]
        truths = [each.truth for each in here.native.get(name, ())]
        # Where Python asks for an operator before it defines it, the answer is what C++ registers.
        self.found[platform.label, name] = any_of(truths)
        process = Process(platform, self)
        truths.extend(process.truth_of(each.guards) for each in self.python.get(name, ()))
        found = any_of(truths)
        if found is not Truth.FALSE:
            return found
        library = name.partition("::")[0]
        if name in self.python and library not in self.libraries:
            return Truth.FALSE  # who registers it is known, and does not come to it here
        is_closed = here.has_targets and library not in here.open_libraries
        return Truth.FALSE if is_closed and library in self.libraries else Truth.UNKNOWN

    def lacks(self, platform: Platform, call: Call) -> Absence:
        """Return whether what a call touches is missing on a platform, and why."""
        name, label = call.qualified, platform.label
        exists = self.exists(platform, name)
        if exists is Truth.FALSE:
            absent = Truth.UNKNOWN if self.is_ambiguous(call) else Truth.TRUE
            return Absence(absent, state("absence.unregistered", platform=label, count=1))
        if name in self.known:
            if not self.by_platform[label].has_targets and exists is Truth.UNKNOWN:
                # vllm-ascend registers for NPUs what vLLM's Python touches, and not all of it.
                return Absence(Truth.UNKNOWN, state("absence.foreign", platform=label, count=1))
        elif exists is Truth.UNKNOWN and self._is_registered_elsewhere_at_will(call):
            return Absence(
                Truth.UNKNOWN,
                state("absence.conditional", platform=label, count=1),
                is_conditional=True,
            )
        return Absence(Truth.FALSE, state("absence.none"))

    def touches(self) -> Iterator[Call]:
        """Yield every use of an operator that the tree defines natively on some platform."""
        return (call for call in self.every_touch() if self.is_ours(call.qualified))

    def every_touch(self) -> Iterator[Call]:
        """Yield every use of an operator that the tree defines, natively or in Python."""
        for path in sorted(self.project.python):
            for call in self.project.python[path].calls:
                if call.operator and self.is_anywhere(call.qualified):
                    yield call

    def _is_registered_elsewhere_at_will(self, call: Call) -> bool:
        """Return whether another file registers an operator, and only under tests of its own.

        A call that asks for the operator, or stands in the file that registers it, knows of that.
        """
        if any(asks_for(guard.condition, call.qualified) for guard in call.guards):
            return False
        registrations = self.python.get(call.qualified, ())
        return all(
            each.location.path != call.location.path
            and not each.inside
            and any(guard.location.line > 1 for guard in each.guards)
            for each in registrations
        )


@fact
class Process:
    """A Python process on a platform: the environment of Python's guards."""

    platform: Platform
    operators: Operators

    def truth(self, atom: Atom) -> Truth:
        """Return what is known of a test there."""
        match atom:
            case Predicate("platform", (name,)):
                return truth_of(name == self.platform.name)
            case Predicate("tensor_on", platforms) if self.platform.name not in platforms:
                return Truth.FALSE  # such a tensor can be nowhere else, and need not be there
            case Predicate("hasattr", (name,)):
                return self.operators.exists(self.platform, name) if "::" in name else Truth.TRUE
            case _:
                return Truth.UNKNOWN

    def truth_of(self, guards: Iterable[Guard]) -> Truth:
        """Return whether code under these guards can run; a caught error is no condition."""
        return all_of(
            evaluate(guard.condition, self) for guard in guards if not is_caught(guard.condition)
        )

    def is_named(self, condition: Condition) -> bool:
        """Return whether a condition lets this platform through, and does so by its name."""
        return (
            evaluate(condition, self) is Truth.TRUE
            and evaluate(condition, Nowhere()) is not Truth.TRUE
        )

    def admits(self, guards: Iterable[Guard]) -> bool:
        """Return whether one of the guards lets this platform through by its name.

        `not is_rocm()` turns ROCm away; that the CPU passes it says nothing of the CPU.
        """
        return any(self.is_named(guard.condition) for guard in guards)


def _namespaces(link: Link) -> Iterator[str]:
    """Yield the namespaces that a library's sources define operators in, as far as they are known.

    What is not known of its sources may define further ones there.
    """
    for compiled in link.compiled:
        for registration in compiled.file.registrations:
            if registration.kind in _DEFINING:
                yield library_name(registration.library, link.target)
