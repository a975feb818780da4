"""Every little project says in its expected.json what must be found in it: all of its errors.

"unknowns" lists what must be undecided, and nothing else may be; without it some rules may leave
nothing undecided. tests/projects/cases holds what really happened: each tree as it was, and
repaired.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.check import check_project

if TYPE_CHECKING:
    from opparity.checker.rules.findings import Finding, Unknown

ROOT = Path(__file__).parents[2] / "projects"
PROJECTS = sorted(ROOT.rglob("expected.json"))
JUDGED_EVERYWHERE = frozenset({"BLD008", "BLD009", "BLD010"})


def as_expected(finding: Finding) -> tuple[str, ...]:
    return (
        finding.rule,
        finding.severity.value,
        finding.platform,
        finding.operator,
        finding.symbol,
        finding.location.path,
    )


def as_written(entry: dict[str, Any]) -> tuple[str, ...]:
    keys = ("rule", "severity", "platform", "operator", "symbol", "path")
    return tuple(entry[key] or "" for key in keys)


def says(entry: dict[str, Any], unknown: Unknown) -> bool:
    given = {
        "rule": unknown.rule,
        "platform": unknown.platform,
        "operator": unknown.operator,
        "symbol": unknown.symbol,
        "path": unknown.location.path,
    }
    return all((value or "") == given[key] for key, value in entry.items())


@pytest.mark.parametrize(
    "expected", PROJECTS, ids=lambda path: path.parent.relative_to(ROOT).as_posix()
)
def test_a_project_has_the_findings_it_was_made_for_and_no_other_error(expected: Path) -> None:
    document = json.loads(expected.read_text())
    platforms = [parse_platform(name) for name in document["platforms"]]
    check = check_project(Analysis(read_project(expected.parent, platforms)))
    wanted = {as_written(entry) for entry in document["findings"]}
    found = {as_expected(finding) for finding in check.findings}
    assert wanted <= found
    # Warnings and information beside the point need not be listed; errors must.
    assert {entry for entry in found if entry[1] == "error"} <= wanted
    undecided = document.get("unknowns", [])
    everything = "unknowns" in document
    unknowns = [each for each in check.unknowns if everything or each.rule in JUDGED_EVERYWHERE]
    assert all(any(says(entry, unknown) for unknown in unknowns) for entry in undecided)
    assert all(any(says(entry, unknown) for entry in undecided) for unknown in unknowns)
