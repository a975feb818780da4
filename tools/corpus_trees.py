"""Run the checker on whatever trees lie at some paths, one row of a table each.

    python tools/corpus_trees.py PATH… [--findings FILE] [--alone PLATFORM]…

A path is a folder or an archive. What a file NAME.rev beside it says (a commit and its date) is put
behind the name. The table that is printed is the one in docs/checker-accuracy.md; FILE gets every
error and warning, a line of JSON each, to be read by hand. With --alone each tree is checked again
for that platform by itself, and its errors are counted.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from corpus import processor_seconds
from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.languages.remembering import RememberingWorkers
from opparity.checker.results.check import check_project
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from opparity.checker.results.check import Check
    from opparity.checker.tree.contents import Tree

HEAD = (
    "| tree | platforms | operators | errors | warnings | unknown | {}matrix | CPU s |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | {}---: | ---: |"
)


def row(
    path: Path, findings: Path | None, alone: list[str], workers: RememberingWorkers | None
) -> str:
    """Return what the checker says of one tree, on every platform that its build knows."""
    start = processor_seconds()
    tree = open_tree(path)
    if workers is not None:
        workers.next_tree()
    analysis = Analysis(read_project(tree, (), workers))
    check = check_project(analysis)
    seconds = processor_seconds() - start
    name = path.name.removesuffix(".tar.gz")
    if findings is not None:
        _write_findings(name, check, findings)
    revision = path.with_name(f"{name}.rev")
    commit, _, date = (
        revision.read_text().strip().partition(" ") if revision.exists() else ("",) * 3
    )
    matrix = build_matrix(analysis)
    severities = [str(finding.severity) for finding in check.findings]
    cells = (
        f"{name} {commit} {f'({date})' if date else ''}".strip(),
        " ".join(check.platforms),
        len(matrix.rows),
        severities.count("error"),
        severities.count("warning"),
        len(check.unknowns),
        *(
            [", ".join(str(_errors_alone(tree, each, name, findings, workers)) for each in alone)]
            if alone
            else []
        ),
        f"{matrix.unknown_share:.2%}",
        f"{seconds:.1f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def _errors_alone(
    tree: Tree, platform: str, name: str, findings: Path | None, workers: RememberingWorkers | None
) -> int:
    """Return how many errors a tree has on one platform, nobody asking for another."""
    check = check_project(Analysis(read_project(tree, [parse_platform(platform)], workers)))
    if findings is not None:
        _write_findings(f"{name} {platform} alone", check, findings)
    return [str(finding.severity) for finding in check.findings].count("error")


def _write_findings(name: str, check: Check, path: Path) -> None:
    with path.open("a", encoding="utf-8") as file:
        for each in check.findings:
            if each.severity in {"error", "warning"}:
                place = f"{each.location.path}:{each.location.line}"
                said = [each.severity, each.rule, each.platform, place, english(each.statement)]
                file.write(json.dumps([name, *map(str, said)]) + "\n")


def main() -> None:
    """Print a row for each path."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--findings", type=Path, metavar="FILE")
    parser.add_argument("--alone", action="append", default=[], metavar="PLATFORM")
    arguments = parser.parse_args()
    alone = arguments.alone
    # Neighbouring releases share most of their files, and each platform alone all of them.
    workers = RememberingWorkers(1) if alone else None
    print(HEAD.format(f"alone: {', '.join(alone)} | " if alone else "", "--- | " if alone else ""))
    for path in arguments.paths:
        print(row(path, arguments.findings, alone, workers), flush=True)


if __name__ == "__main__":
    main()
