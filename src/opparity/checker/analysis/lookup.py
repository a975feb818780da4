"""Which function a written name means: C++'s lookup, as far as the facts of files go.

Only a name that the tree has in several namespaces is looked up; of every other one the written
qualifiers say enough.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.wanted import Wanted, is_same, is_within

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.linking import Linker, Use
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.translation import TranslationUnit
    from opparity.checker.analysis.wanted import Namespace
    from opparity.checker.facts.native import Declaration, Definition

_WORD = re.compile(r"\w+")
# Types that belong to no namespace of a tree: a call is found by none of them.
_FUNDAMENTAL = frozenset(
    {"void", "bool", "char", "short", "int", "long", "unsigned", "signed", "float", "double"}
    | {"const", "volatile", "size_t", "ssize_t", "auto", "cudaStream_t", "hipStream_t"}
    | {f"{sign}int{size}_t" for sign in ("", "u") for size in (8, 16, 32, 64)}
)


class NameLookup:
    """Looks names up in a project's files."""

    def __init__(self, project: Project, linker: Linker) -> None:
        self.project = project
        self.linker = linker
        self._last: tuple[str, TranslationUnit, frozenset[str]] | None = None

    def find(self, symbol: str, use: Use, scope: Namespace, qualifier: Namespace = ()) -> Wanted:
        """Return what a name means at a place inside some namespaces and classes."""
        *written, last = symbol.split("::")
        if not self._is_ambiguous(last):
            return Wanted(symbol)
        visible = self._visible_from(use)
        known = [each for each in self._entities(last) if each.location.path in visible]
        opened = {name for path in visible for name in self.project.native[path].opened_namespaces}
        depths = range(0 if symbol.startswith("::") else len(scope), -1, -1)
        around = [scope[:depth] for depth in depths]
        qualifier = (*qualifier, *(part for part in written if part))
        places = [(*outer, *qualifier) for outer in around]
        further = [(*outer, *name, *qualifier) for name in opened for outer in around]
        if qualifier:
            found = _qualified(known, [*places, *further], qualifier)
        else:
            found = _unqualified(known, places, further)
        native = self.project.native
        is_certain = not any(native[each.location.path].has_errors for each in known)
        prototypes = self.project.declarations.get(last, ())
        counts = {len(each.signature.parameters) for each in prototypes if _own(each) in found}
        return Wanted(symbol, frozenset(found), is_certain, frozenset(counts))

    def _entities(self, name: str) -> Iterator[Declaration | Definition]:
        yield from self.project.declarations.get(name, ())
        yield from self.project.definitions.get(name, ())

    def _is_ambiguous(self, name: str) -> bool:
        return len({each.signature.namespace for each in self._entities(name)}) > 1

    def _visible_from(self, use: Use) -> frozenset[str]:
        last = self._last
        if last is None or last[0] != use.path or last[1] is not use.unit:
            included = self.linker.closure(use.path, use.unit)
            last = (use.path, use.unit, frozenset((use.path, *included)))
            self._last = last
        return last[2]


def _qualified(
    known: Iterable[Declaration | Definition], places: list[Namespace], qualifier: Namespace
) -> set[Namespace]:
    """Return where a qualified name is found: from the inside out, else wherever it can be."""
    known = list(known)
    for place in places:
        found = {each.signature.namespace for each in known if is_same(_own(each), place)}
        if found:
            return found
    # An alias of a namespace, or a class that has the function from another.
    return {each.signature.namespace for each in known if is_within(qualifier, _own(each))}


def _unqualified(
    known: Iterable[Declaration | Definition], places: list[Namespace], further: list[Namespace]
) -> set[Namespace]:
    """Return where an unqualified name is found: in the innermost scope that has it.

    The namespaces of its arguments' types are searched as well, and those that are opened by using.
    """
    known = list(known)
    every = {each.signature.namespace for each in known}
    inner = next((place for place in places if any(is_same(own, place) for own in every)), None)
    if inner is None:
        return every
    return {
        _own(each)
        for each in known
        if is_same(_own(each), inner)
        or any(is_same(_own(each), place) for place in further)
        or _takes_own_types(each)
    }


def _own(entity: Declaration | Definition) -> Namespace:
    return entity.signature.namespace


def _takes_own_types(entity: Declaration | Definition) -> bool:
    """Return whether a parameter's type may be of the function's own namespace."""
    own = entity.signature.namespace
    for parameter in entity.signature.parameters:
        words = _WORD.findall(parameter.type)
        is_qualified = "::" in parameter.type
        if is_qualified and any(word in own for word in words):
            return True
        if not is_qualified and any(word not in _FUNDAMENTAL for word in words):
            return True
    return False
