"""The code on a rule's page: the rule finds what stands before, and not what stands after."""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.baseline import read_baseline
from opparity.checker.results.inspection import inspect_tree
from opparity.checker.results.request import Request
from opparity.checker.rules.table import RULES
from opparity.checker.tree.opening import open_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.rules.base import Rule

PROJECTS = Path(__file__).parents[2] / "projects"
SHOWN = re.compile(
    r"## Before and after\nBefore, in `(\S+)`:\n\n```\w+\n(.*?)\n```\n\n"
    r"After:\n\n```\w+\n(.*?)\n```$",
    re.DOTALL,
)
BASELINE = "opparity-baseline.json"


@cache
def trees() -> tuple[tuple[Path, tuple[str, ...], frozenset[str]], ...]:
    """Return each little project with its platforms and the rules that say something of it."""
    found: list[tuple[Path, tuple[str, ...], frozenset[str]]] = []
    for expected in sorted(PROJECTS.rglob("expected.json")):
        document = json.loads(expected.read_text())
        said = frozenset(each["rule"] for each in document["findings"] + document["unknowns"])
        found.append((expected.parent, tuple(document["platforms"]), said))
    # Of rules about comments, baselines and files that cannot be read there are no such projects.
    found += [
        (folder, (), frozenset({folder.name})) for folder in sorted((PROJECTS / "pages").iterdir())
    ]
    return tuple(found)


def codes_in(folder: Path, platforms: tuple[str, ...]) -> list[str]:
    """Return the rule of each finding and unknown, without their places."""
    baseline = folder / BASELINE
    request = Request(
        platforms=tuple(map(parse_platform, platforms)),
        baseline=read_baseline(baseline) if baseline.is_file() else None,
        baseline_path=BASELINE,
    )
    tree = open_tree(folder).without(lambda path: path in {"expected.json", BASELINE})
    report = inspect_tree(tree, request)
    found = [each.rule for each in report.findings]
    return found + [each.rule for each in report.unknowns]


def fitting(rule: type[Rule], path: str, before: str) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Yield the trees that have what the page shows, and of which the rule says something."""
    for folder, platforms, said in trees():
        file = folder / path
        if rule.code in said and file.is_file() and before in file.read_text("utf-8"):
            yield folder, platforms


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_rule_finds_what_its_page_shows_before_and_not_what_it_shows_after(
    rule: type[Rule], tmp_path: Path
) -> None:
    shown = SHOWN.search(rule.page())
    assert shown, "the page ends with what stands before and after, each in a block of code"
    path, before, after = shown.groups()
    folder, platforms = next(fitting(rule, path, before))
    copied = tmp_path / "tree"
    shutil.copytree(folder, copied)
    first = codes_in(copied, platforms)
    repaired = folder.parent / "repaired"
    if folder.name == "broken" and repaired.is_dir():
        # The repair may need another file.
        for file in repaired.rglob("*"):
            there = copied / file.relative_to(repaired)
            if file.is_file() and not there.exists():
                there.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, there)
    text = (copied / path).read_text("utf-8")
    (copied / path).write_text(text.replace(before, after), "utf-8")
    second = codes_in(copied, platforms)
    assert rule.code in first
    assert rule.code not in second
    assert set(second) <= set(first)
