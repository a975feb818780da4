"""What compiled sources see of the functions that they may use, whatever they are linked into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.relevance import Relevance
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.native import Declaration
from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from opparity.checker.analysis.linking import Compiled, Linker
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.wanted import Namespace

# Names that a toolkit may have on another platform, or in another version.
OF_TOOLKITS = re.compile(r"^(?:__|atomic|cuda|cu[A-Z]|hip|nccl|rccl|cublas|cudnn|make_|to_string)")


@fact
class Seen:
    """What a source sees of the functions that it may use, whatever target it is linked into.

    Attributes:
        called: those that it calls and has a prototype of -> the namespaces of its prototypes, and
            the numbers of their parameters.
        declared: those that it has a prototype of, and that some file defines.
        unseen: those that it calls and whose prototypes it does not see, each with one of them.
        guarded: those that it alone defines, under conditions that do not hold.
    """

    called: dict[str, tuple[frozenset[Namespace], frozenset[int]]]
    declared: frozenset[str]
    unseen: dict[str, Declaration]
    guarded: dict[str, Declaration]


class SeenBySources:
    """Works out what sources see, once for all sets of macros that are the same to a source.

    Where a build has many options, a source is linked again with each of them turned over.
    """

    def __init__(self, project: Project, linker: Linker) -> None:
        self._project = project
        self._linker = linker
        self._relevance = Relevance(linker)
        self._known: dict[tuple[str, Hashable, Truth], Seen] = {}
        # Most sources see the same functions with any macros.
        self._shared: dict[frozenset[str], frozenset[str]] = {}

    def by(self, compiled: Compiled) -> Seen:
        """Return what a source sees as it is compiled."""
        path = compiled.file.path
        key = (path, self._relevance.view(path, compiled.unit), compiled.source.built)
        if key not in self._known:
            self._known[key] = self._work_out(compiled)
        return self._known[key]

    def _work_out(self, compiled: Compiled) -> Seen:
        namespaces: dict[str, set[Namespace]] = {}
        counts: dict[str, set[int]] = {}
        unseen: dict[str, Declaration] = {}
        for declaration in self._visible(compiled):
            name, namespace = declaration.signature.name, declaration.signature.namespace
            if name in namespace[-1:]:
                continue
            if compiled.truth(declaration.condition) is Truth.FALSE:
                unseen.setdefault(name, declaration)
            else:
                namespaces.setdefault(name, set()).add(namespace)
                counts.setdefault(name, set()).add(len(declaration.signature.parameters))
        bound = {
            name.rpartition("::")[2]
            for registration in compiled.file.registrations
            for name in registration.functions
        }
        macros = self._project.macro_definitions.keys()
        # What a registration binds is the business of BLD001.
        called = compiled.file.called | {each.symbol for each in compiled.file.tabled}
        names = (namespaces.keys() & called) - macros - bound
        declared = frozenset((namespaces.keys() & self._project.definitions.keys()) - macros)
        declared -= bound
        return Seen(
            {name: (frozenset(namespaces[name]), frozenset(counts[name])) for name in names},
            self._shared.setdefault(declared, declared),
            {
                name: declaration
                for name, declaration in unseen.items()
                if name in compiled.file.called and name not in namespaces and name not in macros
            },
            _guarded_in_its_file(self._project, compiled),
        )

    def _visible(self, compiled: Compiled) -> Iterator[Declaration]:
        path = compiled.file.path
        for visible in (path, *self._linker.closure(path, compiled.unit)):
            yield from self._project.native[visible].declarations


def _guarded_in_its_file(project: Project, compiled: Compiled) -> dict[str, Declaration]:
    """Return what a file alone defines, under conditions that do not hold where it is compiled."""
    file = compiled.file
    bodies = {
        each.signature.name: each
        for each in file.definitions
        if compiled.truth(each.condition) is Truth.FALSE and not each.is_guessed
    }
    return {
        name: Declaration(body.signature, body.location, body.condition)
        for name, body in bodies.items()
        if name not in project.declarations
        and name not in project.macro_definitions
        and not OF_TOOLKITS.search(name)
        and not file.has_errors
        and all(
            each.location.path == file.path and compiled.truth(each.condition) is Truth.FALSE
            for each in project.definitions[name]
        )
    }
