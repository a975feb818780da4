"""Constructors that a header of the tree declares and one source defines.

A class is looked at only where everything of it is sure: the tree has one class of the name, all of
its constructors are out of the class, and one source has them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.facts.conditions import Truth
from opparity.checker.languages.cpp.constructions import read_constructions
from opparity.checker.languages.detection import COMPILED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.checker.analysis.linking import Compiled, Link, Linker
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.wanted import Namespace
    from opparity.checker.facts.native import Declaration, Definition, NativeFile, Reference
    from opparity.checker.languages.cpp.constructions import Construction


@dataclass(frozen=True, slots=True)
class _Class:
    """A class whose constructors are all in one source.

    Attributes:
        namespace: what is around the class.
        header: the file that declares it; and
        home: the source that has the constructors' bodies.
    """

    name: str
    namespace: Namespace
    header: str
    home: str
    constructors: tuple[Declaration, ...]


class Constructors:
    """Finds the uses of constructors that a target lacks."""

    def __init__(self, project: Project, linker: Linker) -> None:
        self.project = project
        self.linker = linker
        self.known: dict[str, tuple[Construction, ...]] = {}

    @cached_property
    def classes(self) -> dict[str, _Class]:
        """Return the classes of which everything is sure, by name."""
        native, declarations = self.project.native, self.project.declarations
        templates = {each.signature.name for file in native.values() for each in file.templates}
        found: dict[str, _Class] = {}
        for name, definitions in self.project.definitions.items():
            prototypes = declarations.get(name, ())
            if not prototypes or name in templates or name in self.project.macro_definitions:
                continue
            scopes = {each.signature.namespace for each in prototypes}
            scopes |= {each.signature.namespace for each in definitions}
            scope = next(iter(scopes))
            homes = {each.location.path for each in definitions}
            headers = {each.location.path for each in prototypes}
            if len(scopes) > 1 or scope[-1:] != (name,) or len(homes) > 1 or len(headers) > 1:
                continue
            home, header = homes.pop(), headers.pop()
            is_whole = all(
                not (each.is_template or each.is_inline or each.is_local or each.is_guessed)
                for each in definitions
            ) and _shapes(definitions) == _shapes(prototypes)
            is_read = not (native[home].has_errors or native[header].has_errors)
            if is_whole and is_read and home.endswith(COMPILED) and home != header:
                found[name] = _Class(name, scope[:-1], header, home, prototypes)
        return found

    def lacking(self, link: Link, compiled: Compiled) -> Iterator[Reference]:
        """Yield where a source constructs objects of classes whose home the target lacks."""
        if not compiled.is_listed:
            return
        absent = [each for name, each in self.classes.items() if name not in link.definitions]
        if not absent:
            return
        path = compiled.file.path
        visible = {path, *self.linker.closure(path, compiled.unit)}
        seen = {each.name: each for each in absent if each.header in visible}
        if not seen:
            return
        opened = {name for each in visible for name in self.project.native[each].opened_namespaces}
        for construction in self._constructions(compiled.file):
            found = seen.get(construction.reference.symbol)
            if (
                found
                and _means(construction, found, opened)
                and _fits(construction, found, compiled)
                and _is_kept(compiled.file, construction.reference.inside)
            ):
                yield construction.reference

    def _constructions(self, file: NativeFile) -> tuple[Construction, ...]:
        if file.path not in self.known:
            text = self.project.tree.read_text(file.path)
            named = {name for name in self.classes if name in text}
            read = read_constructions(file.path, text, named, file.definitions) if named else ()
            self.known[file.path] = tuple(read)
        return self.known[file.path]


def _shapes(entities: Sequence[Declaration | Definition]) -> list[int]:
    return sorted(len(each.signature.parameters) for each in entities)


def _means(construction: Construction, found: _Class, opened: set[Namespace]) -> bool:
    """Return whether a written name is the class's: of its namespace, or where that is open."""
    qualifier = construction.reference.qualifier
    if qualifier:
        return found.namespace[-len(qualifier) :] == qualifier
    around = tuple(construction.reference.inside.split("::"))
    is_inside = around[: len(found.namespace)] == found.namespace
    return is_inside or any(found.namespace[-len(name) :] == name for name in opened if name)


def _is_kept(file: NativeFile, inside: str) -> bool:
    """Return whether the function around a place is more than a local one that nothing uses."""
    around = [each for each in file.definitions if each.signature.qualified == inside]
    if any(not each.is_local for each in around):
        return True
    name = inside.rpartition("::")[2]
    bound = (each for own in file.registrations for each in own.functions)
    used = (each.symbol for each in (*file.references, *file.tabled))
    return name in {each.rpartition("::")[2] for each in (*bound, *used)}


def _fits(construction: Construction, found: _Class, compiled: Compiled) -> bool:
    """Return whether a constructor takes so many arguments, and none of them may be copied."""
    if construction.may_copy:
        return False
    return any(
        _least(each) <= construction.count <= len(each.signature.parameters)
        and compiled.truth(each.condition) is Truth.TRUE
        for each in found.constructors
    )


def _least(constructor: Declaration) -> int:
    return sum(not each.has_default for each in constructor.signature.parameters)
