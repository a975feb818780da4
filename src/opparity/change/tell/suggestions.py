"""The edit that would mend a finding, where one can be named; else what to do."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from opparity.change.model import Suggestion
from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.analysis.verdict import CellVerdict
from opparity.checker.facts.conditions import Comparison, Defined, atoms
from opparity.checker.rules.findings import Effect
from opparity.words.statements import state

if TYPE_CHECKING:
    from opparity.change.compare.inspection import Inspected
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.rules.findings import Finding


def suggest(
    inspected: Inspected, finding: Finding, platforms: tuple[str, ...]
) -> Suggestion | None:
    """Return a suggested edit; None where the rule's own advice is all that can be said."""
    if finding.symbol in inspected.undefined_macros:
        return _other_macro(inspected, finding.location.path, finding.location.line, finding.symbol)
    states = inspected.states.get(finding.operator, {})
    broken = [name for name, each in states.items() if each.verdict is CellVerdict.BROKEN]
    if finding.effect is Effect.IMPORT and set(platforms) & set(broken):
        return _build_or_guard(inspected, finding, platforms)
    return None


def known_macro(inspected: Inspected, unknown: str) -> str:
    """Return the macro for the same platform that somebody defines and the tree tests most."""
    platform = platform_of_macro(unknown)
    known = sorted(inspected.analysis.known_macros - {unknown})
    same = [name for name in known if platform_of_macro(name) == platform]
    tested = inspected.macro_files
    if not same:
        return ""
    near = difflib.get_close_matches(unknown, same, n=len(same), cutoff=0.0)
    return min(near, key=lambda name: (-len(tested.get(name, ())), near.index(name)))


def _other_macro(inspected: Inspected, path: str, line: int, unknown: str) -> Suggestion | None:
    known = known_macro(inspected, unknown)
    old = _line(inspected, path, line)
    if not known or unknown not in old:
        return None
    return Suggestion(
        advice=state("advice.other_macro", unknown=unknown, known=known),
        path=path,
        line=line,
        old=old,
        new=re.sub(rf"\b{re.escape(unknown)}\b", known, old),
    )


def _build_or_guard(
    inspected: Inspected, finding: Finding, platforms: tuple[str, ...]
) -> Suggestion | None:
    """Say which source is missing from which list, or which macro the guard should test."""
    for registration in inspected.registrations.get(finding.operator, ()):
        if registration.location != finding.location:
            continue
        for macro in _macros_of(registration.condition):
            if macro in inspected.undefined_macros:
                tests = inspected.project.native[finding.location.path].macro_tests
                lines = [test.location.line for test in tests if test.name == macro]
                near = max((each for each in lines if each <= finding.location.line), default=0)
                found = _other_macro(inspected, finding.location.path, near, macro)
                if found is not None:
                    return found
    sources = inspected.sources(finding.operator)
    if not sources:
        return None
    guard = _guard_for(inspected, platforms)
    if not guard:
        return Suggestion(advice=state("advice.build", sources=sources, platforms=platforms))
    return Suggestion(
        advice=state("advice.build_or_guard", sources=sources, platforms=platforms, guard=guard)
    )


def _guard_for(inspected: Inspected, platforms: tuple[str, ...]) -> str:
    """Return the directive that this tree would use to keep code from the platforms."""
    found = [
        name
        for name, paths in sorted(inspected.macro_files.items(), key=lambda pair: -len(pair[1]))
        if {platform_of_macro(name)} == {each.partition(":")[0] for each in platforms}
        and name not in inspected.undefined_macros
    ]
    if found:
        return f"#ifndef {found[0]}"
    return "#ifndef USE_ROCM" if platforms == ("rocm",) else ""


def _macros_of(condition: Condition) -> list[str]:
    found = []
    for atom in atoms(condition):
        if isinstance(atom, Defined):
            found.append(atom.macro)
        elif isinstance(atom, Comparison):
            found.append(atom.left)
    return found


def _line(inspected: Inspected, path: str, line: int) -> str:
    if not inspected.tree.is_readable(path):
        return ""
    lines = inspected.tree.read_text(path).split("\n")
    return lines[line - 1].rstrip() if 0 < line <= len(lines) else ""
