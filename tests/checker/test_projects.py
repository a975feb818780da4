"""Every little project says in its expected.json what must be found in it: all of its errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opparity.checker.check import check_project
from opparity.checker.platforms import parse_platform
from opparity.checker.project import read_project

if TYPE_CHECKING:
    from opparity.checker.facts import Finding

PROJECTS = sorted((Path(__file__).parent.parent / "projects").glob("*/expected.json"))


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


@pytest.mark.parametrize("expected", PROJECTS, ids=lambda path: path.parent.name)
def test_a_project_has_the_findings_it_was_made_for_and_no_other_error(expected: Path) -> None:
    document = json.loads(expected.read_text())
    platforms = [parse_platform(name) for name in document["platforms"]]
    check = check_project(read_project(expected.parent, platforms))
    wanted = {as_written(entry) for entry in document["findings"]}
    found = {as_expected(finding) for finding in check.findings}
    assert wanted <= found
    # Warnings and information beside the point need not be listed; errors must.
    assert {entry for entry in found if entry[1] == "error"} <= wanted
    if "unknowns" in document:
        keys = ("rule", "platform", "operator", "path")
        named = {tuple(entry[key] for key in keys) for entry in document["unknowns"]}
        assert named == {
            (each.rule, each.platform, each.operator, each.location.path) for each in check.unknowns
        }
