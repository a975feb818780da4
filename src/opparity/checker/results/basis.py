"""What a check is based on, as sentences and as a record for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.loose_ends import LooseKind
from opparity.checker.facts.conditions import Truth
from opparity.errors import OpparityError
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.basis import Basis, Extension
    from opparity.words.statements import Statement

_LOOSE = {
    LooseKind.BODILESS: "basis.bodiless",
    LooseKind.MISFIT: "basis.misfit",
    LooseKind.IDLE: "basis.idle",
}
_WHOLE = {Truth.TRUE: True, Truth.FALSE: False, Truth.UNKNOWN: None}


class NothingToCheck(OpparityError):
    """A tree that has nothing that a check is about."""

    message = (
        "{project}: nothing to check: no C++, CUDA or HIP file, no build description "
        "(CMakeLists.txt, *.cmake, setup.py, build.toml), and no Python that registers or calls "
        "operators (torch.ops, torch.library)"
    )


def refuse_nothing(basis: Basis) -> None:
    """Do nothing where there is something to check.

    Raises:
        NothingToCheck: there is not.
    """
    if basis.is_empty:
        raise NothingToCheck(project=basis.project)


def understood(basis: Basis) -> Iterator[Statement]:
    """Yield what was understood."""
    names = tuple(dict.fromkeys(each.name for each in basis.extensions))
    counts = {
        "compiled": len(basis.compiled),
        "sources": len(basis.sources),
        "registrations": basis.registrations,
        "operators": basis.operators,
        "calls": basis.calls,
    }
    if names:
        yield state("basis.extensions", count=len(names), names=names, **counts)
    else:
        yield state("basis.no_extension", **counts)
    sources, compilers = len(basis.compiled_at_run_time), len(basis.compilers)
    if sources and compilers:
        yield state("basis.run_time", sources=sources, compilers=compilers)
    elif sources:
        yield state("basis.run_time_sources", sources=sources)
    elif compilers:
        yield state("basis.run_time_texts", compilers=compilers)


def not_followed(basis: Basis) -> Iterator[Statement]:
    """Yield what could not be followed."""
    lists = tuple(dict.fromkeys(each.name for each in basis.open_lists))
    if lists:
        yield state("basis.lists", names=lists)
    if basis.unlisted:
        yield state("basis.unlisted", count=len(basis.unlisted), files=basis.unlisted)
    names = tuple(dict.fromkeys(each.text for each in basis.unfollowed))
    if names:
        yield state("basis.unfollowed", count=len(basis.unfollowed), names=names)
    if basis.unregistered:
        operators = tuple(name for name, _ in basis.unregistered)
        yield state("basis.unregistered", count=len(operators), operators=operators)
    if basis.unparsed:
        yield state("basis.unparsed", count=len(basis.unparsed), files=basis.unparsed)
    for kind, key in _LOOSE.items():
        functions = tuple(each.name for each in basis.loose_ends if each.kind is kind)
        if functions:
            yield state(key, count=len(functions), functions=functions)


def record(basis: Basis) -> dict[str, object]:
    """Return the same for programs."""
    return {
        "extensions": [_extension(each) for each in basis.extensions],
        "sources": {"compiled": len(basis.compiled), "in_tree": len(basis.sources)},
        "registrations": basis.registrations,
        "operators": basis.operators,
        "calls": basis.calls,
        "compiled_at_run_time": {
            "sources": list(basis.compiled_at_run_time),
            "by": list(basis.compilers),
        },
        "not_followed": {
            "lists": [_extension(each) for each in basis.open_lists],
            "sources_in_no_list": list(basis.unlisted),
            "registrations": [
                {"name": each.text, "path": each.location.path, "line": each.location.line}
                for each in basis.unfollowed
            ],
            "operators": [{"operator": name, "path": path} for name, path in basis.unregistered],
            "python_files": list(basis.unparsed),
            "functions": [
                {
                    "function": each.name,
                    "is": str(each.kind),
                    "path": each.location.path,
                    "line": each.location.line,
                }
                for each in basis.loose_ends
            ],
        },
    }


def _extension(extension: Extension) -> dict[str, object]:
    return {
        "name": extension.name,
        "kind": extension.kind,
        "path": extension.location.path,
        "line": extension.location.line,
        "platforms": list(extension.platforms),
        "sources": extension.sources,
        "is_complete": _WHOLE[extension.is_complete],
    }
