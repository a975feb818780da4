"""A function as some place in the code means it, and which definitions it may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from collections.abc import Collection

    from opparity.checker.facts.native import Definition

Namespace = tuple[str, ...]


@fact
class Wanted:
    """A function as some place in the code means it.

    Attributes:
        symbol: its name as written there, with or without namespaces.
        namespaces: where C++ would find it; none where that is not known, or only one has it.
        is_certain: the grammar could follow the files that say so.
        counts: how many arguments its prototypes take; none where there is no prototype.
    """

    symbol: str
    namespaces: frozenset[Namespace] = frozenset()
    is_certain: bool = True
    counts: frozenset[int] = frozenset()

    def may_be(self, definition: Definition) -> bool:
        """Return whether a definition is the one meant."""
        if not self.namespaces or definition.is_guessed:
            return names(self.symbol, definition)
        if self.symbol.rpartition("::")[2] != definition.signature.name:
            return False
        own = definition.signature.namespace
        if any(is_same(own, wanted) for wanted in self.namespaces):
            return True
        return not self.is_certain and self.may_be_astray(definition)

    def may_be_astray(self, definition: Definition) -> bool:
        """Return whether a definition of that name may be meant where the grammar lost its way.

        A brace may have closed the wrong namespace, so that one of its parts is lost or too much.
        """
        if not self.namespaces:
            return True
        own, takes = definition.signature.namespace, len(definition.signature.parameters)
        is_other = bool(self.counts) and takes not in self.counts and not definition.is_guessed
        return not is_other and any(is_part(own, wanted) for wanted in self.namespaces)


def names(symbol: str, definition: Definition) -> bool:
    """Return whether a symbol as written can mean a definition.

    The written namespaces must be among the definition's, in order: a use inside a namespace may
    leave out the outer ones, and a using-declaration the inner ones. One in capitals may be a macro
    (`namespace MARLIN_NAMESPACE_NAME`) and stand for any.
    """
    *written, last = symbol.split("::")
    if last != definition.signature.name:
        return False
    if definition.is_guessed:
        return True
    return is_within([part for part in written if part], definition.signature.namespace)


def is_same(one: Namespace, other: Namespace) -> bool:
    """Return whether two namespaces are one; a macro's name may stand for any, but another's."""
    return len(one) == len(other) and all(
        left == right or left.isupper() != right.isupper()
        for left, right in zip(one, other, strict=True)
    )


def is_part(one: Namespace, other: Namespace) -> bool:
    """Return whether one of two namespaces has all parts of the other, in order."""
    return is_within(one, other) or is_within(other, one)


def is_within(parts: Collection[str], namespace: Namespace) -> bool:
    """Return whether a namespace has some parts, in order."""
    remaining = iter(namespace)
    return all(
        any(part == there or (there.isupper() and not part.isupper()) for there in remaining)
        for part in parts
    )
