"""Each kind of mistake in small, broken and repaired: exactly what is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.results.check import check_project
from opparity.checker.rules.findings import Finding

if TYPE_CHECKING:
    from opparity.checker.rules.findings import Unknown

ROOT = Path(__file__).parents[2] / "projects/kinds"
TREES = sorted(path.parent for path in ROOT.rglob("expected.json"))


def as_written(result: Finding | Unknown) -> dict[str, Any]:
    written: dict[str, Any] = {"rule": result.rule}
    if isinstance(result, Finding):
        written["severity"] = result.severity.value
    written["platform"] = result.platform or None
    written["operator"] = result.operator or None
    written["symbol"] = result.symbol or None
    written["path"] = result.location.path
    if isinstance(result, Finding):
        written["line"] = result.location.line
    return written


@pytest.mark.parametrize("tree", TREES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_tree_has_exactly_the_findings_it_was_made_for(tree: Path) -> None:
    expected = json.loads((tree / "expected.json").read_text())
    check = check_project(Analysis(read_project(tree)))
    assert list(check.platforms) == expected["platforms"]
    assert [as_written(each) for each in check.findings] == expected["findings"]
    assert [as_written(each) for each in check.unknowns] == expected["unknowns"]


@pytest.mark.parametrize("kind", sorted(path.name for path in ROOT.iterdir()))
def test_only_the_broken_tree_of_a_kind_has_an_error_or_a_warning(kind: str) -> None:
    loud = {
        state: [
            each
            for each in json.loads((ROOT / kind / state / "expected.json").read_text())["findings"]
            if each["severity"] != "information"
        ]
        for state in ("broken", "repaired")
    }
    assert loud["broken"]
    assert not loud["repaired"]
