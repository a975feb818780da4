"""What a rule says just inside and just outside of its mistake: edges.toml has the edits."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.check import check_project
from opparity.checker.tree.contents import Tree
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from opparity.checker.rules.findings import Finding, Unknown

PROJECTS = Path(__file__).parents[2] / "projects"
TABLES = tomllib.loads(Path(__file__).with_name("edges.toml").read_text())
CASES = [(name, index) for name, table in TABLES.items() for index in range(len(table["edits"]))]


@pytest.mark.parametrize(("name", "index"), CASES)
def test_a_rule_says_what_an_edit_makes_of_its_mistake(name: str, index: int) -> None:
    table = TABLES[name]
    edit = table["edits"][index]
    whole = open_tree(PROJECTS / name)
    files = {path: whole.read(path) for path in whole.files if path != "expected.json"}
    text = files[table["path"]].decode()
    assert table["old"] in text
    files[table["path"]] = text.replace(table["old"], edit["new"]).encode()
    labels = json.loads((PROJECTS / name / "expected.json").read_text())["platforms"]
    platforms = [parse_platform(label) for label in labels]
    check = check_project(Analysis(read_project(Tree(name, files), platforms)))
    results: list[Finding | Unknown] = [*check.findings, *check.unknowns]
    told = [
        f"{each.platform or 'everywhere'} {each.location.path}:{each.location.line}"
        for each in results
        if each.rule == table["rule"]
    ]
    assert sorted(told) == sorted(edit["told"])
