"""Whether an extension imports and its calls succeed on a platform, by what the rules found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.compare.matrix import every_platform
from opparity.change.model import Outlook, PlatformVerdict, Verdict
from opparity.checker.rules.findings import Severity

if TYPE_CHECKING:
    from opparity.change.compare.inspection import Inspected

# An error of these rules means that the extension cannot be built, loaded or imported.
_IMPORT = frozenset({"BLD001", "BLD002", "BLD005", "BLD010", "DEF002", "DEF005"})
# An error of these, or a warning for the platform, means that Python fails when it gets there.
_CALL = frozenset({"BLD007", "CAL001", "CAL002", "CAL003", "CAL005", "CAL006", "DEF001", "DEF004"})


def compare_outlooks(before: Inspected, after: Inspected) -> tuple[PlatformVerdict, ...]:
    """Return the verdicts of every platform that either tree knows."""
    return tuple(
        PlatformVerdict(platform, outlook(before, platform), outlook(after, platform))
        for platform in every_platform(before, after)
    )


def outlook(inspected: Inspected, platform: str) -> Outlook | None:
    """Return what a tree does on a platform; None where it has no extension for it."""
    if platform not in inspected.platforms or not inspected.has_extension:
        return None
    errors = [
        each.rule
        for each in inspected.report.findings
        if each.severity is Severity.ERROR and each.platform in {"", platform}
    ]
    # A warning without a platform says that something is wrong, not that it fails there.
    warnings = [
        each.rule
        for each in inspected.report.findings
        if each.severity is Severity.WARNING and each.platform == platform
    ]
    unknowns = [each.rule for each in inspected.report.unknowns if each.platform in {"", platform}]
    failing = [*errors, *warnings]
    imports = _verdict(failing, unknowns, _IMPORT)
    # What was not imported has no operators: every call fails as well.
    calls = imports if imports is Verdict.FAILS else _verdict(failing, unknowns, _CALL)
    return Outlook(
        imports=imports,
        calls=calls,
        undecided=sum(rule in _IMPORT | _CALL for rule in unknowns),
    )


def _verdict(failing: list[str], unknowns: list[str], rules: frozenset[str]) -> Verdict:
    if rules.intersection(failing):
        return Verdict.FAILS
    if rules.intersection(unknowns):
        return Verdict.UNDECIDED
    return Verdict.WORKS
