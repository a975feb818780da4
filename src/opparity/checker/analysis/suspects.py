"""What a compiled source uses, and the library that it is linked into may not define."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.linking import is_linkable
from opparity.checker.analysis.seen import OF_TOOLKITS
from opparity.checker.facts.records import fact
from opparity.checker.languages.detection import COMPILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.analysis.wanted import Namespace
    from opparity.checker.facts.native import Declaration, Reference


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


def suspects_of(analysis: Analysis, link: Link, compiled: Compiled) -> Suspects:
    """Return what a source uses, has a prototype of, and the target does not define."""
    seen = analysis.seen_by_sources.by(compiled)
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
        and not OF_TOOLKITS.search(name)
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
