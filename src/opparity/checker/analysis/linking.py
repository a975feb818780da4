"""What each target compiles on a platform: the definitions it has and the symbols it needs.

A target is linked from its own sources, the headers that they include, and the object and static
libraries of the tree that it links. Conditions are evaluated with the macros that the build gives
to the source in question; a header is compiled where any of its includers compiles it.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opparity.checker.analysis.translation import TranslationUnits
from opparity.checker.facts.conditions import (
    ALWAYS,
    Truth,
    all_of,
    any_of,
    disjunction,
    evaluate,
    implies,
)
from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.translation import TranslationUnit
    from opparity.checker.analysis.wanted import Wanted
    from opparity.checker.facts.builds import Choice, Source, Target
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Definition, NativeFile, Registration
    from opparity.checker.facts.platforms import Platform


@fact
class Use:
    """A place that needs a symbol: its file, its condition there, and whether it is compiled."""

    path: str
    condition: Condition
    unit: TranslationUnit
    truth: Truth


@fact
class Compiled:
    """A file as a target compiles it: the list entry behind it and the macros it sees.

    Attributes:
        keeper: the other library that has the file and keeps its functions to itself; "" for none.
    """

    file: NativeFile
    source: Source
    unit: TranslationUnit
    is_listed: bool
    keeper: str = ""

    def truth(self, condition: Condition) -> Truth:
        """Return whether a line under a condition is compiled."""
        held = evaluate(condition, self.unit)
        return self.source.built if held is Truth.TRUE else all_of((held, self.source.built))

    def use(self, condition: Condition) -> Use:
        """Return a place in this file under a condition."""
        return Use(self.file.path, condition, self.unit, self.truth(condition))


@dataclass(slots=True)
class Link:
    """A target on a platform.

    Attributes:
        description: the build description that makes the target.
        compiled: every file that takes part, sources first.
        definitions: last part of a name -> the definitions, each with the file as compiled.
        exported: the functions whose prototypes say that other libraries may use them, and members
            of classes, which may say so as a whole.
    """

    platform: Platform
    target: Target
    description: str
    compiled: list[Compiled] = field(default_factory=list)
    definitions: dict[str, list[tuple[Definition, Compiled]]] = field(default_factory=dict)
    exported: frozenset[str] = frozenset()
    is_complete: Truth = Truth.TRUE
    _sure: dict[str, list[tuple[Definition, Compiled]]] = field(default_factory=dict, init=False)

    def sure(self, name: str) -> list[tuple[Definition, Compiled]]:
        """Return the definitions of a name that are certain to be compiled."""
        if name not in self._sure:
            self._sure[name] = [
                (definition, compiled)
                for definition, compiled in self.definitions.get(name, ())
                if compiled.truth(definition.condition) is Truth.TRUE
            ]
        return self._sure[name]

    def defined(self, wanted: Wanted, use: Use) -> Truth:
        """Return whether the target defines a function wherever it uses it.

        `#if A` around the use and around the definition agree whatever A is, and so do two
        definitions under `#if A` and `#else`.
        """
        last = wanted.symbol.rpartition("::")[2]
        reachable = [
            (definition, compiled)
            for definition, compiled in self.definitions.get(last, ())
            if is_linkable(definition, use.path)
            and not (compiled.keeper and self.is_kept(definition, compiled, use.path))
        ]
        # Where the grammar lost its way a namespace may be lost too.
        found = [pair for pair in reachable if wanted.may_be(pair[0])] or [
            pair for pair in reachable if pair[1].file.has_errors and wanted.may_be_astray(pair[0])
        ]
        truth = any_of(compiled.truth(definition.condition) for definition, compiled in found)
        if truth is not Truth.UNKNOWN:
            return truth
        certain = [
            definition.condition
            for definition, compiled in found
            if compiled.source.built is Truth.TRUE and compiled.unit.language == use.unit.language
        ]
        held = implies(use.condition, disjunction(*certain), use.unit)
        return Truth.TRUE if held is Truth.TRUE else Truth.UNKNOWN

    def is_kept(self, definition: Definition, compiled: Compiled, path: str) -> bool:
        """Return whether a library keeps a definition from the file at a path."""
        if definition.is_exported or definition.signature.name in self.exported:
            return False
        return not any(
            part.keeper == compiled.keeper and part.file.path == path for part in self.compiled
        )

    def registrations(self) -> Iterator[tuple[Registration, Use]]:
        """Yield the registrations that the target may compile."""
        for compiled in self.compiled:
            for registration in compiled.file.registrations:
                use = compiled.use(registration.condition)
                if use.truth is not Truth.FALSE:
                    yield registration, use


def is_linkable(definition: Definition, path: str) -> bool:
    """Return whether code in a file can reach a definition: a local one is only for its own."""
    return (
        not definition.is_local
        or definition.location.path == path
        or (definition.location.path.endswith((".h", ".hpp", ".cuh", ".hh", ".inl", ".inc")))
    )


class Linker:
    """Builds the links of a project, each once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.links: dict[tuple[str, str, str], Link] = {}
        self.included: dict[str, tuple[tuple[str, Condition], ...]] = {}
        self.units = TranslationUnits(project.macro_definitions)
        self.closures: dict[tuple[str, TranslationUnit], tuple[str, ...]] = {}
        self.exported = frozenset(
            name
            for name, declarations in project.declarations.items()
            if any(each.is_exported or each.is_member for each in declarations)
        )
        self.by_name: dict[str, list[str]] = {}
        for path in project.native:
            self.by_name.setdefault(posixpath.basename(path), []).append(path)

    def links_on(self, platform: Platform) -> Iterator[Link]:
        """Yield every library that a platform's builds link; programs hold no operators.

        What a static library needs, the libraries that take it in must have: it is part of them.
        """
        for build in self.project.builds_on(platform):
            by_name = {target.name: target for target in build.targets}
            libraries = [target for target in build.targets if target.kind != "executable"]
            taken_in = {name for target in libraries for name in target.links}
            for target in libraries:
                if target.kind in {"static", "object"} and target.name in taken_in:
                    continue
                key = (platform.label, build.description, target.name)
                if key not in self.links:
                    self.links[key] = self._link(platform, target, build.description, by_name)
                yield self.links[key]

    def variants_on(self, platform: Platform) -> Iterator[tuple[Choice, Link]]:
        """Yield the libraries that come out otherwise where an option is not at its default."""
        defaults = {
            (build.description, target.name): target
            for build in self.project.builds_on(platform)
            for target in build.targets
        }
        for build in self.project.variants:
            if build.platform != platform.label or build.choice is None:
                continue
            by_name = {target.name: target for target in build.targets}
            for target in build.targets:
                is_changed = any(
                    part != defaults.get((build.description, part.name))
                    for part in _with_linked(target, by_name)
                )
                if target.kind != "executable" and is_changed:
                    yield build.choice, self._link(platform, target, build.description, by_name)

    def link_of(self, platform: Platform, target: Target) -> Link:
        """Return what a target is by itself that no build makes."""
        return self._link(platform, target, "", {target.name: target})

    def _link(
        self, platform: Platform, target: Target, description: str, by_name: dict[str, Target]
    ) -> Link:
        link = Link(platform, target, description, exported=self.exported)
        for part in _with_linked(target, by_name):
            if link.is_complete is not Truth.UNKNOWN and part.is_complete is not Truth.TRUE:
                link.is_complete = part.is_complete
            self._compile(link, part, target)
        for compiled in link.compiled:
            for definition in compiled.file.definitions:
                listed = link.definitions.setdefault(definition.signature.name, [])
                listed.append((definition, compiled))
        return link

    def _compile(self, link: Link, part: Target, target: Target) -> None:
        seen: set[str] = set()
        is_other = part.name != target.name and part.kind == "shared"
        keeper = part.name if is_other and part.is_hidden else ""
        for source in part.sources:
            file = self.project.native.get(source.path)
            if file is None:
                continue
            unit = self.units.of(link.platform, part, source.path)
            link.compiled.append(Compiled(file, source, unit, is_listed=True, keeper=keeper))
            for path in self.closure(source.path, unit):
                key = f"{path}:{unit.language}"
                if key not in seen:
                    seen.add(key)
                    header = self.project.native[path]
                    link.compiled.append(Compiled(header, source, unit, False, keeper))

    def closure(self, path: str, unit: TranslationUnit) -> tuple[str, ...]:
        """Return the tree's files that a source includes with the macros it sees."""
        key = (path, unit)
        if key not in self.closures:
            self.closures[key] = tuple(self._closure(path, unit))
        return self.closures[key]

    def _closure(self, path: str, unit: TranslationUnit) -> dict[str, None]:
        found: dict[str, None] = {}
        pending = [path]
        while pending:
            for included, condition in self.included_by(pending.pop()):
                if included in found or included == path:
                    continue
                if condition == ALWAYS or evaluate(condition, unit) is not Truth.FALSE:
                    found[included] = None
                    pending.append(included)
        return found

    def resolves(self, path: str, written: str) -> bool:
        """Return whether what a file includes is a file of the tree."""
        return bool(self._resolve(posixpath.dirname(path), written))

    def included_by(self, path: str) -> tuple[tuple[str, Condition], ...]:
        """Return the tree's files that a file includes itself, each with its condition."""
        if path not in self.included:
            file = self.project.native.get(path)
            folder = posixpath.dirname(path)
            self.included[path] = tuple(
                (found, include.condition)
                for include in (file.includes if file else ())
                for found in self._resolve(folder, include.path)
            )
        return self.included[path]

    def _resolve(self, folder: str, written: str) -> Iterable[str]:
        beside = posixpath.normpath(posixpath.join(folder, written))
        if beside in self.project.native:
            return [beside]
        name = posixpath.normpath(written)
        while name.startswith("../"):
            name = name[3:]
        return [
            candidate
            for candidate in self.by_name.get(posixpath.basename(name), ())
            if candidate == name or candidate.endswith(f"/{name}")
        ]


def _with_linked(target: Target, by_name: dict[str, Target]) -> list[Target]:
    """Return a target and the object and static libraries of the tree that it takes in."""
    found = {target.name: target}
    pending = [target]
    while pending:
        for name in pending.pop().links:
            linked = by_name.get(name)
            if linked is not None and name not in found:
                found[name] = linked
                pending.append(linked)
    return list(found.values())
