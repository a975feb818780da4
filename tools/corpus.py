"""Run the checker on published extensions: broken trees, repaired ones, and releases.

    python tools/corpus.py [--cache FOLDER] [--repositories FOLDER] [--only WORD] [--known]

Source distributions come from the index that pip is configured for, and are kept in the cache.
Commits are read from clones that `--repositories` names, a folder per project.
Nothing of a tree is executed, unpacked or checked out.
The table that is printed is the one in docs/checker-accuracy.md.
"""

from __future__ import annotations

import argparse
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import replay_38750
from corpus_cases import CASES, Case, Expected
from corpus_python_cases import PYTHON_CASES
from fetch_sdist import NotFetched, fetch
from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.facts.platforms import parse_platform
from opparity.checker.results.check import Check, check_project
from opparity.checker.tree.contents import Tree, TreeRefused
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opparity.checker.rules.findings import Finding, Unknown

HEAD = (
    "| tree | source | platforms | verdict | errors | which | unknown | matrix | CPU s |\n"
    "| --- | --- | --- | --- | ---: | --- | ---: | ---: | ---: |"
)
# A row names so many errors; the others are counted.
_MOST_NAMED = 4


def open_case(case: Case, cache: Path, repositories: Path) -> Tree:
    """Return the tree of a case.

    Raises:
        NotFetched: no index has the release, or nobody gave a clone of the project.
    """
    kind, *details = case.source.split()
    if kind == "release":
        return open_tree(fetch(details[0], details[1], cache))
    if kind == "replay":
        before = replay_38750.unguarded(open_tree(fetch("vllm", "0.20.0", cache)))
        return before if details[0] == "unguarded" else replay_38750.guarded(before, details[0])
    try:
        return open_tree(repositories / details[0], details[1])
    except TreeRefused as error:
        raise NotFetched(f"no commit {details[1]} of {details[0]} ({error})") from error


def holds(check: Check, wanted: Expected) -> bool:
    """Return whether a check has what is expected of it; an unknown may also be a finding."""
    weights = {"error"} if wanted.weight == "error" else {"error", "warning"}
    found: list[Finding | Unknown] = [
        finding for finding in check.findings if finding.severity in weights
    ]
    if wanted.weight == "unknown":
        found += check.unknowns
    return any(
        wanted.platform in {"", each.platform} and wanted.symbol in _words(each) for each in found
    )


def _words(result: Finding | Unknown) -> str:
    """Return what a result names, in the places that it refers to as well."""
    said = [result.statement, *(each.note for each in result.related)]
    return " ".join([result.symbol, result.operator, *map(english, said)])


def verdict(case: Case, check: Check) -> str:
    """Return "found", "repaired", "-" where nothing is known, or what went wrong."""
    if case.expected:
        missed = [each.symbol for each in case.expected if not holds(check, each)]
        if missed:
            return f"missed {', '.join(dict.fromkeys(missed))}"
        is_open = all(each.weight == "unknown" for each in case.expected)
        return "unknown, as expected" if is_open else "found"
    if not case.absent:
        return "—"
    left = [each.symbol for each in case.absent if holds(check, each)]
    return f"still has {', '.join(dict.fromkeys(left))}" if left else "gone"


def _errors(check: Check) -> list[Finding]:
    return [finding for finding in check.findings if finding.severity == "error"]


def listed(errors: Iterable[Finding]) -> str:
    """Return the errors of a tree in a cell's words."""
    names = sorted({f"{e.rule} {e.symbol or e.operator} {e.platform}".strip() for e in errors})
    more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (", ".join(names[:_MOST_NAMED]) + more) or "none"


def processor_seconds() -> float:
    """Return what this process and its finished workers have used: neighbours do not disturb it."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def row(case: Case, tree: Tree) -> tuple[str, bool]:
    """Return a table row and whether the tree has what it should."""
    start = processor_seconds()
    analysis = Analysis(read_project(tree, [parse_platform(name) for name in case.platforms]))
    check = check_project(analysis)
    seconds = processor_seconds() - start
    judged = verdict(case, check)
    errors = _errors(check)
    cells = (
        case.name,
        case.source,
        " ".join(check.platforms),
        judged,
        len(errors),
        listed(errors),
        len(check.unknowns),
        f"{build_matrix(analysis).unknown_share:.2%}",
        f"{seconds:.1f}",
    )
    return f"| {' | '.join(map(str, cells))} |", not judged.startswith(("missed", "still"))


def main() -> int:
    """Check every case and print the table; 1 if one did not come out as it should."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/opparity-corpus")
    parser.add_argument("--repositories", type=Path, default=Path("clones"))
    parser.add_argument("--only", default="", help="the cases with this in their name or source")
    parser.add_argument(
        "--known", action="store_true", help="only trees of which something is known"
    )
    arguments = parser.parse_args()
    print(HEAD)
    wrong = 0
    for case in (*CASES, *PYTHON_CASES):
        is_known = case.expected or case.absent
        if arguments.only not in f"{case.name} {case.source}" or (arguments.known and not is_known):
            continue
        try:
            tree = open_case(case, arguments.cache, arguments.repositories)
        except NotFetched as error:
            print(f"| {case.name} | {case.source} | | not run: {error} | | | | | |", flush=True)
            continue
        text, is_right = row(case, tree)
        wrong += not is_right
        print(text, flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
