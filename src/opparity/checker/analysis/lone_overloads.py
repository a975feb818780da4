"""Prototypes without a body although another function of that name has one.

The other one is an overload, another class's or namespace's function, or a kernel beside the
function of the host.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.checker.analysis.types import canonical
from opparity.checker.analysis.wanted import is_part, is_same
from opparity.checker.facts.conditions import ALWAYS
from opparity.checker.languages.detection import COMPILED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.native import Declaration, Definition, NativeFile, Signature
    from opparity.checker.facts.places import Location

_SHORTEST = 4
# `KERNEL_PARAMETERS`, and what an `#ifdef` leaves of itself: `NEW_TORCH at::IntArrayRef`.
_MACRO = re.compile(r"[A-Z][A-Z0-9_]{3,}(?: |$)")
_HEAD = (
    r"\b{name}\s*\([^;{{}}]*\)\s*(?:const\s*|noexcept\s*|override\s*|final\s*)*(?::[^;{{}}]*)?\{{"
)

Types = tuple[str, ...]


class LoneOverloads:
    """Looks for them among the functions that a tree's own files declare."""

    def __init__(self, project: Project, own: Mapping[str, NativeFile]) -> None:
        self.project = project
        self.own = own

    def every(self, needed: Mapping[str, Location]) -> Iterator[tuple[str, Location]]:
        """Yield such prototypes, with their types, among the names that files use.

        Args:
            needed: the last names of the functions that files bind, call or pass on.
        """
        told: set[str] = set()
        for name in sorted(self._declared.keys() & needed.keys()):
            bodies = self._bodies(name)
            lone = [each for each in self._declared[name] if bodies and self._is_lone(each, bodies)]
            if not lone or self._may_be_astray(name):
                continue
            for each in lone:
                types = ", ".join(parameter.type for parameter in each.signature.parameters)
                shown = f"{each.signature.qualified}({types})"
                if shown not in told:
                    told.add(shown)
                    yield shown, each.location

    @cached_property
    def _declared(self) -> dict[str, list[Declaration]]:
        found: dict[str, list[Declaration]] = defaultdict(list)
        for file in self.own.values():
            for each in file.declarations:
                signature = each.signature
                is_maker = signature.name.lstrip("~") in signature.namespace[-1:]
                is_odd = signature.name.startswith("operator") or len(signature.name) < _SHORTEST
                if not (is_maker or is_odd or _is_unclear(signature)):
                    found[signature.name].append(each)
        return found

    @cached_property
    def _stems(self) -> Counter[str]:
        """Return how many sources there are of each path without its ending."""
        return Counter(path.rpartition(".")[0] for path in self.own if path.endswith(COMPILED))

    def _bodies(self, name: str) -> list[Definition]:
        found = self.project.definitions.get(name, ())
        return [each for each in found if not each.is_instantiation]

    def _may_be_astray(self, name: str) -> bool:
        """Return whether a body may have been lost, or its namespace, or be made by a macro."""
        bodies = self.project.definitions[name]
        if any(each.is_guessed or _is_unclear(each.signature) for each in bodies):
            return True
        word = name.encode()
        for path, file in self.project.native.items():
            if file.has_errors and word in self.project.tree.read(path):
                heads = re.findall(_HEAD.format(name=name), self.project.tree.read_text(path))
                read = sum(each.signature.name == name for each in file.definitions)
                if len(heads) > read:
                    return True
        return False

    def _is_lone(self, prototype: Declaration, bodies: list[Definition]) -> bool:
        wanted = prototype.signature
        same = [each for each in bodies if self._may_be(each, wanted)]
        count = len(wanted.parameters)
        fitting = [each for each in same if len(each.signature.parameters) == count]
        if fitting:
            # `#if` may choose between two prototypes of one function.
            is_chosen = prototype.condition != ALWAYS
            if is_chosen or any(each.is_template for each in fitting):
                return False
            bodies_of = {_types(each.signature) for each in fitting}
            unclaimed = bodies_of - {_types(each.signature) for each in self._declared[wanted.name]}
            # A type may have two names: one of these may be the body of one that is written so.
            waiting = {_types(each.signature) for each in self._siblings(prototype)} - bodies_of
            return _types(wanted) in waiting and len(unclaimed) < len(waiting)
        if self.own[prototype.location.path].has_errors:
            # What the prototype belongs to may be misread, unless others of it have bodies.
            return any(is_same(each.signature.namespace, wanted.namespace) for each in same)
        return bool(same) or self._is_own(prototype)

    def _may_be(self, body: Definition, wanted: Signature) -> bool:
        """Return whether a body may be of a function's scope, as far as names say.

        An alias or a using-directive leaves parts of a scope out, but never all of them.
        """
        own = body.signature.namespace
        is_sure = not self.project.native[body.location.path].has_errors
        if is_sure and not own:
            return not wanted.namespace
        return is_part(own, wanted.namespace)

    def _siblings(self, prototype: Declaration) -> Iterator[Declaration]:
        """Yield the overloads with as many parameters that stand in the same file."""
        wanted = prototype.signature
        for each in self._declared[wanted.name]:
            if (
                each.location.path == prototype.location.path
                and each.condition == prototype.condition
                and each.signature.namespace == wanted.namespace
                and len(each.signature.parameters) == len(wanted.parameters)
            ):
                yield each

    def _is_own(self, prototype: Declaration) -> bool:
        """Return whether the tree defines others that the same file declares beside it.

        In the same namespace or class, or in a class beside that one; or the header has a source.
        """
        wanted, path = prototype.signature, prototype.location.path
        if not path.endswith(COMPILED) and self._stems[path.rpartition(".")[0]]:
            return True
        return any(
            is_same(body.signature.namespace, each.signature.namespace) and not body.is_inline
            for each in self.own[path].declarations
            if each.signature.namespace[:-1] == wanted.namespace[:-1]
            and each.signature.qualified != wanted.qualified
            for body in self.project.definitions.get(each.signature.name, ())
        )


def _is_unclear(signature: Signature) -> bool:
    """Return whether macros may make the parameters, `#if` chooses some, or it is specialised."""
    names = [each.name for each in signature.parameters if each.name]
    odd = [each.type for each in signature.parameters if not each.name or " " in each.type]
    is_macro = any(_MACRO.match(each) for each in odd)
    is_specialised = any("<" in part for part in signature.namespace)
    return is_macro or is_specialised or len(set(names)) < len(names)


def _types(signature: Signature) -> Types:
    return tuple(canonical(each.type) for each in signature.parameters)
