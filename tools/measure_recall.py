"""Break real trees in one place each, and count how the checker tells it.

    python tools/measure_recall.py PATH… [--seed 1] [--breaks 8] [--kind KIND] [--records FILE]

A path is a folder or an archive. Each tree is broken a given number of times by each kind of
breaks.py, as far as it has what to break; the same seed makes the same breaks. What is told of the
broken tree and not of the whole one is looked through for what was broken: an error or a warning
that names it, else an unknown or information, else a change of what the check could not follow;
else it is silent. The records have each break with what was told of it.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from breaks import KINDS, broken
from broken_text import Text
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.languages.remembering import RememberingWorkers
from opparity.checker.results.basis import not_followed
from opparity.checker.results.check import check_project
from opparity.checker.tree.opening import open_tree
from opparity.words.catalogue import english

if TYPE_CHECKING:
    from collections.abc import Iterator

    from broken_text import Break
    from opparity.checker.rules.findings import Finding, Unknown
    from opparity.checker.tree.contents import Tree

# How a break is told, from the best to the worst.
TOLD = ("finding", "unknown", "not followed", "silent")


@dataclass(frozen=True, slots=True)
class Said:
    """What the checker says of a tree: each result as (weight, its words)."""

    results: frozenset[tuple[str, str]]
    basis: frozenset[str]


@dataclass(frozen=True, slots=True)
class Record:
    """A break and how it was told; `results` are the new ones, those that name it or all."""

    tree: str
    kind: str
    what: str
    told: str
    harmless: str
    results: tuple[str, ...]


def said(tree: Tree, workers: RememberingWorkers) -> Said:
    """Return what the checker says of a tree, on every platform that it knows."""
    workers.next_tree()
    analysis = Analysis(read_project(tree, (), workers))
    check = check_project(analysis)
    results = {
        *((str(each.severity), _words(each)) for each in check.findings),
        *(("unknown", _words(each)) for each in check.unknowns),
    }
    return Said(frozenset(results), frozenset(_basis_words(analysis)))


def _words(result: Finding | Unknown) -> str:
    notes = (f"{each.location.path} {english(each.note)}" for each in result.related)
    said = (english(result.statement), result.operator, result.symbol, result.location.path, *notes)
    return " ".join((result.rule, *said))


def _basis_words(analysis: Analysis) -> Iterator[str]:
    basis = analysis.basis
    yield from map(english, not_followed(basis))
    yield from basis.unlisted
    yield from (name for name, _ in basis.unregistered)
    yield from (each.text for each in basis.unfollowed)
    yield from (f"{each.kind}: {each.name}" for each in basis.loose_ends)


def judge(tree: str, made: Break, before: Said, after: Said) -> Record:
    """Return how a break is told, by what is new and names it."""
    new = sorted(after.results - before.results)
    naming = [each for each in new if any(name in each[1] for name in made.names)]
    weights = {weight for weight, _ in naming}
    shown = naming or new
    if weights & {"error", "warning"}:
        told = "finding"
        shown = [each for each in naming if each[0] in {"error", "warning"}]
    elif naming:
        told = "unknown"
    elif any(name in words for words in after.basis - before.basis for name in made.names):
        told = "not followed"
    else:
        told = "silent"
    results = tuple(f"{weight}: {words[:400]}" for weight, words in shown[:4])
    return Record(tree, made.kind, made.what, told, made.harmless, results)


def records(path: Path, kinds: list[str], count: int, seed: int) -> Iterator[Record]:
    """Yield the records of a tree's breaks."""
    name = path.name.removesuffix(".gz").removesuffix(".tar")
    tree = open_tree(path)
    text = Text(tree)
    workers = RememberingWorkers(1)
    before: Said | None = None
    for kind in kinds:
        told: set[str] = set()
        for number in range(count):
            made = KINDS[kind](text, random.Random(f"{seed} {name} {kind} {number}"))  # noqa: S311
            if made is None or made.what in told:
                continue
            told.add(made.what)
            before = before or said(tree, workers)
            yield judge(name, made, before, said(broken(tree, made), workers))


def table(found: list[Record]) -> Iterator[str]:
    """Yield the rows of a Markdown table: the breaks that can hurt by kind, and the others."""
    heads = ("kind", "trees", "breaks", "error or warning", "unknown", "not followed", "silent")
    yield f"| {' | '.join(heads)} | harmless |"
    yield "| --- |" + " ---: |" * (len(heads))
    for kind in (*KINDS, ""):
        of_kind = [each for each in found if kind in {"", each.kind}]
        hurting = [each for each in of_kind if not each.harmless]
        told = Counter(each.told for each in hurting)
        cells = [kind or "all", len({each.tree for each in hurting}), len(hurting)]
        cells += [f"{told[way]} ({told[way] / max(len(hurting), 1):.0%})" for way in TOLD]
        yield f"| {' | '.join(map(str, [*cells, len(of_kind) - len(hurting)]))} |"


def main() -> int:
    """Break, compare, print the table, and write the records."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--breaks", type=int, default=1, help="of each kind, a tree (1)")
    parser.add_argument("--kind", action="append", choices=[*KINDS], help="only this one")
    parser.add_argument("--records", type=Path, help="where the records go, a line of JSON each")
    arguments = parser.parse_args()
    found: list[Record] = []
    for path in arguments.paths:
        for each in records(path, arguments.kind or [*KINDS], arguments.breaks, arguments.seed):
            found.append(each)
            if arguments.records:
                with arguments.records.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(each)) + "\n")
    print("\n".join(table(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
