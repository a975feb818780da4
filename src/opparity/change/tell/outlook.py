"""Whether an extension imports and its calls succeed on a platform, by what the rules found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.compare.matrix import every_platform
from opparity.change.model import Outlook, PlatformVerdict, Verdict
from opparity.checker.rules.findings import Effect, Severity

if TYPE_CHECKING:
    from collections.abc import Collection

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import LostOperator

_OF_IMPORT = frozenset({Effect.BUILD, Effect.IMPORT})
_OF_CALLS = frozenset({Effect.CALL, Effect.RESULT})


def compare_outlooks(
    before: Inspected, after: Inspected, lost: Collection[LostOperator] = ()
) -> tuple[PlatformVerdict, ...]:
    """Return the verdicts of every platform that either tree knows.

    The checker calls an operator without an implementation information, since many are meant so;
    of one that had an implementation before, what becomes of its calls is undecided.
    """
    emptied = {
        each.platform
        for each in lost
        if each.is_registered and any(caller.may_fail for caller in each.callers)
    }
    return tuple(
        PlatformVerdict(
            platform,
            outlook(before, platform),
            outlook(after, platform, [Effect.CALL] if platform in emptied else []),
        )
        for platform in every_platform(before, after)
    )


def outlook(inspected: Inspected, platform: str, doubts: Collection[Effect] = ()) -> Outlook | None:
    """Return what a tree does on a platform; None where it has no extension for it.

    Args:
        inspected: the tree.
        platform: its label.
        doubts: what may fail there besides what the checker could not decide.
    """
    is_unread = inspected.loss.is_of_builds or inspected.is_unread
    if platform not in inspected.platforms or not inspected.has_extension:
        return (
            Outlook(Verdict.UNDECIDED, Verdict.UNDECIDED, 0, is_unread=True) if is_unread else None
        )
    findings, unknowns = inspected.report.findings, inspected.report.unknowns
    # A warning without a platform says that something is wrong, not that it fails there.
    failing = {
        each.effect
        for each in findings
        if (each.severity is Severity.ERROR and each.platform in {"", platform})
        or (each.severity is Severity.WARNING and each.platform == platform)
    }
    undecided = [*doubts, *(each.effect for each in unknowns if each.platform in {"", platform})]
    if is_unread:
        # What could not be read may fail in any way.
        undecided += [Effect.IMPORT, Effect.CALL]
    imports = _verdict(failing, undecided, _OF_IMPORT)
    # What was not imported has no operators: every call fails as well.
    calls = imports if imports is Verdict.FAILS else _verdict(failing, undecided, _OF_CALLS)
    return Outlook(
        imports=imports,
        calls=calls,
        undecided=sum(effect in _OF_IMPORT | _OF_CALLS for effect in undecided),
        is_unread=is_unread,
    )


def _verdict(
    failing: Collection[Effect], undecided: Collection[Effect], effects: frozenset[Effect]
) -> Verdict:
    if effects.intersection(failing):
        return Verdict.FAILS
    if effects.intersection(undecided):
        return Verdict.UNDECIDED
    return Verdict.WORKS
