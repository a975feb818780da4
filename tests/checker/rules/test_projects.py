"""Every little project says in its expected.json what is found in it, and what is not decided.

tests/projects/cases holds what really happened: each tree as it was, and repaired.
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
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from opparity.checker.results.check import Check
    from opparity.checker.rules.findings import Finding, Unknown

ROOT = Path(__file__).parents[2] / "projects"
PROJECTS = sorted(ROOT.rglob("expected.json"))
# A kind of mistake each, broken and repaired.
KINDS = sorted((ROOT / "kinds").iterdir())


def place_of(result: Finding | Unknown) -> dict[str, Any]:
    return {
        "platform": result.platform or None,
        "operator": result.operator or None,
        "symbol": result.symbol or None,
        "path": result.location.path,
        "line": result.location.line,
    }


def as_written(check: Check) -> dict[str, Any]:
    """Return the findings and unknowns of a check as expected.json has them."""
    return {
        "findings": [
            {
                "rule": each.rule,
                "severity": each.severity.value,
                "effect": each.effect.value,
                **place_of(each),
            }
            for each in check.findings
        ],
        "unknowns": [{"rule": each.rule, **place_of(each)} for each in check.unknowns],
    }


@pytest.mark.parametrize(
    "expected", PROJECTS, ids=lambda path: path.parent.relative_to(ROOT).as_posix()
)
def test_a_project_has_the_findings_and_unknowns_it_was_made_for_and_no_others(
    expected: Path,
) -> None:
    document = json.loads(expected.read_text())
    platforms = [parse_platform(name) for name in document.pop("platforms")]
    # It names sources, and a file of the tree that names a source may be its list.
    tree = open_tree(expected.parent).without(lambda path: path == expected.name)
    check = check_project(Analysis(read_project(tree, platforms)))
    assert as_written(check) == document


@pytest.mark.parametrize("kind", KINDS, ids=lambda path: path.name)
def test_only_the_broken_tree_of_a_kind_has_an_error_or_a_warning(kind: Path) -> None:
    loud = {
        state: [
            each
            for each in json.loads((kind / state / "expected.json").read_text())["findings"]
            if each["severity"] != "information"
        ]
        for state in ("broken", "repaired")
    }
    assert loud["broken"]
    assert not loud["repaired"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda path: path.name)
def test_the_platforms_of_a_kind_are_those_that_its_build_knows(kind: Path) -> None:
    for state in ("broken", "repaired"):
        expected = json.loads((kind / state / "expected.json").read_text())
        found = read_project(kind / state).asked
        assert [platform.label for platform in found] == expected["platforms"]
