"""Run the checker on whatever trees lie at some paths, one row of a table each.

    python tools/corpus_trees.py PATH…

A path is a folder or an archive. What a file PATH.rev says (a commit and its date) is put behind
the name. The tables that are printed are those of docs/checker-accuracy.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from corpus import listed
from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.results.check import check_project
from opparity.checker.tree.opening import open_tree

HEAD = (
    "| tree | platforms | operators | errors | warnings | unknown | matrix |\n"
    "| --- | --- | ---: | --- | ---: | ---: | ---: |"
)


def row(path: Path) -> str:
    """Return what the checker says of one tree, on every platform that its build knows."""
    analysis = Analysis(read_project(open_tree(path)))
    check = check_project(analysis)
    matrix = build_matrix(analysis)
    by_severity = {
        severity: [finding for finding in check.findings if finding.severity == severity]
        for severity in ("error", "warning")
    }
    revision = path.with_name(f"{path.name}.rev")
    commit, _, date = (
        revision.read_text().strip().partition(" ") if revision.exists() else ("",) * 3
    )
    cells = (
        f"{path.name.removesuffix('.tar.gz')} {commit} {f'({date})' if date else ''}".strip(),
        " ".join(check.platforms),
        len(matrix.rows),
        listed(by_severity["error"]),
        len(by_severity["warning"]),
        len(check.unknowns),
        f"{matrix.unknown_share:.2%}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Print a row for each path."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    print(HEAD)
    for path in parser.parse_args().paths:
        print(row(path), flush=True)


if __name__ == "__main__":
    main()
