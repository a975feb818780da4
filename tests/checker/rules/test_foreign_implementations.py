"""Implementations of somebody else's operators are counted, however many there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.check import check_project
from opparity.checker.tree.contents import Tree
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import english

PROJECT = Path(__file__).parents[2] / "projects" / "operators_of_another_namespace_are_implemented"
SOURCE = "csrc/bindings.cpp"
# Places, and names in the sentence.
SHOWN, SAID = 60, 6


@pytest.mark.parametrize("count", [2, 61, 500])
def test_those_of_a_whole_backend_are_counted(count: int) -> None:
    whole = open_tree(PROJECT)
    files = {path: whole.read(path) for path in whole.files if path != "expected.json"}
    one = b'  m.impl("gather_", gather_xpu);\n'
    more = b"".join(b'  m.impl("gather_%d", gather_xpu);\n' % number for number in range(count - 2))
    assert one in files[SOURCE]
    files[SOURCE] = files[SOURCE].replace(one, one + more)
    tree = Tree(PROJECT.name, files)
    check = check_project(Analysis(read_project(tree, [parse_platform("cuda")])))
    [unknown] = [each for each in check.unknowns if each.rule == "DEF001"]
    assert (unknown.symbol, unknown.location.line) == ("c10d", 11)
    assert len(unknown.related) == min(count, SHOWN)
    said = english(unknown.statement)
    assert said.startswith("barrier")
    assert (f"and {count - SAID} more are implemented" in said) == (count > SAID)
