"""What a compiled source uses, and the library that it is linked into may not define."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.linking import is_linkable
from opparity.checker.analysis.relevance import Relevance
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.native import Declaration
from opparity.checker.facts.records import fact
from opparity.checker.languages.detection import COMPILED

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from opparity.checker.analysis.linking import Compiled, Link, Linker
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.analysis.wanted import Namespace
    from opparity.checker.facts.native import Reference

# Names that a toolkit may have on another platform, or in another version.
_OF_TOOLKITS = re.compile(r"^(?:__|atomic|cuda|cu[A-Z]|hip|nccl|rccl|cublas|cudnn|make_|to_string)")


def may_lack(analysis: Analysis, link: Link, compiled: Compiled) -> bool:
    """Return whether a header's functions call what the tree has and the target lacks."""
    if not any(each.end_line for each in compiled.file.definitions):
        return False
    defined, declared = analysis.project.definitions, analysis.project.declarations
    for name in compiled.file.called:
        present = link.definitions.get(name)
        if present is None:
            if name in defined or name in declared:
                return True
        elif compiled.file.has_errors and all(part.file is compiled.file for _, part in present):
            # A method of that name calls it, whose class the grammar lost.
            counts = {len(each.signature.parameters) for each, _ in present}
            if any(len(each.signature.parameters) not in counts for each in declared.get(name, ())):
                return True
    return False


@fact
class Suspects:
    """What a source may use that its target does not define.

    Attributes:
        called: the names that it calls and has a prototype of.
        further: those with a prototype that it may use otherwise.
        hidden: those that it calls and whose prototypes it does not see, each with one of them.
    """

    called: frozenset[str]
    further: frozenset[str]
    hidden: dict[str, Declaration]


@fact
class _Seen:
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

    def __init__(self, linker: Linker) -> None:
        self._relevance = Relevance(linker)
        self._known: dict[tuple[str, Hashable, Truth], _Seen] = {}
        # Most sources see the same functions with any macros.
        self._shared: dict[frozenset[str], frozenset[str]] = {}

    def by(self, analysis: Analysis, compiled: Compiled) -> _Seen:
        """Return what a source sees as it is compiled."""
        path = compiled.file.path
        key = (path, self._relevance.view(path, compiled.unit), compiled.source.built)
        if key not in self._known:
            self._known[key] = self._work_out(analysis, compiled)
        return self._known[key]

    def _work_out(self, analysis: Analysis, compiled: Compiled) -> _Seen:
        namespaces: dict[str, set[Namespace]] = {}
        counts: dict[str, set[int]] = {}
        unseen: dict[str, Declaration] = {}
        for declaration in visible_declarations(analysis, compiled):
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
        macros = analysis.project.macro_definitions.keys()
        # What a registration binds is the business of BLD001.
        called = compiled.file.called | {each.symbol for each in compiled.file.tabled}
        names = (namespaces.keys() & called) - macros - bound
        declared = frozenset((namespaces.keys() & analysis.project.definitions.keys()) - macros)
        declared -= bound
        return _Seen(
            {name: (frozenset(namespaces[name]), frozenset(counts[name])) for name in names},
            self._shared.setdefault(declared, declared),
            {
                name: declaration
                for name, declaration in unseen.items()
                if name in compiled.file.called and name not in namespaces and name not in macros
            },
            _guarded_in_its_file(analysis, compiled),
        )


def suspects_of(analysis: Analysis, link: Link, compiled: Compiled) -> Suspects:
    """Return what a source uses, has a prototype of, and the target does not define."""
    seen = analysis.seen_by_sources.by(analysis, compiled)
    path = compiled.file.path
    missing = frozenset(
        name
        for name, (namespaces, counts) in seen.called.items()
        if not _defines(link, name, namespaces, counts, path)
    )
    hidden = {
        name: declaration
        for name, declaration in seen.unseen.items()
        if _is_own(analysis, link, compiled, name)
    }
    further = seen.declared.difference(link.definitions)
    return Suspects(missing, further, hidden | seen.guarded)


def _guarded_in_its_file(analysis: Analysis, compiled: Compiled) -> dict[str, Declaration]:
    """Return what a file alone defines, under conditions that do not hold where it is compiled."""
    project, file = analysis.project, compiled.file
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
        and not _OF_TOOLKITS.search(name)
        and not file.has_errors
        and all(
            each.location.path == file.path and compiled.truth(each.condition) is Truth.FALSE
            for each in project.definitions[name]
        )
    }


def _is_own(analysis: Analysis, link: Link, compiled: Compiled, name: str) -> bool:
    """Return whether a function is the tree's alone: sources define it, and no visible file does.

    Where a header replaces what an older toolkit lacks, the toolkit has it elsewhere.
    """
    visible = {compiled.file.path, *analysis.linker.closure(compiled.file.path, compiled.unit)}
    definitions = analysis.project.definitions.get(name, ())
    seen = [each for each, part in link.definitions.get(name, ()) if part.file.path in visible]
    return (
        bool(definitions)
        and not seen
        and not _OF_TOOLKITS.search(name)
        and all(
            each.location.path.endswith(COMPILED) and not each.is_local and not each.is_inline
            for each in definitions
        )
    )


def used_otherwise(
    analysis: Analysis, compiled: Compiled, names: frozenset[str]
) -> Iterator[Reference]:
    """Yield the uses of those names that are called on an object of their class, or passed on."""
    if not names:
        return
    further = analysis.further_uses.of(compiled.file)
    used = names & {each.symbol for each in (*further.methods, *further.passed)}
    declared: dict[str, list[Declaration]] = {}
    for declaration in visible_declarations(analysis, compiled) if used else ():
        if declaration.signature.name in used:
            declared.setdefault(declaration.signature.name, []).append(declaration)
    for name, prototypes in declared.items():
        uses = further.passed
        if all(each.is_member for each in prototypes):
            classes = {each.signature.namespace for each in prototypes}
            if len(classes) > 1 or next(iter(classes))[-1] not in further.types:
                continue
            uses = further.methods
        yield from (each for each in uses if each.symbol == name)


def _defines(
    link: Link, name: str, namespaces: frozenset[Namespace], counts: frozenset[int], path: str
) -> bool:
    """Return whether a target is certain to define a function of a name in each namespace.

    Where the grammar lost its way a namespace may be lost, and the arguments have to fit.
    """
    definitions = [
        (definition, part)
        for definition, part in link.sure(name)
        if is_linkable(definition, path)
        and not (part.keeper and link.is_kept(definition, part, path))
    ]
    return all(
        any(
            definition.signature.namespace == namespace
            or (
                part.file.has_errors
                and (definition.is_guessed or len(definition.signature.parameters) in counts)
            )
            for definition, part in definitions
        )
        for namespace in namespaces
    )


def visible_declarations(analysis: Analysis, compiled: Compiled) -> Iterator[Declaration]:
    """Yield the prototypes that a source and the headers that it includes have."""
    for path in (compiled.file.path, *analysis.linker.closure(compiled.file.path, compiled.unit)):
        yield from analysis.project.native[path].declarations
