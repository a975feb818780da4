"""Write docs/reports: what changes of vLLM did to each platform, and the lives of two operators.

The trees are vLLM's source distributions, fetched as pip is configured to fetch; nothing of them
is executed. The description and the related changes of #38750 are in docs/reports/inputs.

A clone of vLLM, where one is given, adds the report of #38750's own commit.

Usage: python tools/write_reports.py [--only WORD] [--repository CLONE] [--check]

With --check nothing is written: the exit status is 1 where a report would read otherwise now.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import replay_38750
from fetch_sdist import fetch
from opparity.change.build import build_report
from opparity.change.compare.architectures import compare_architectures
from opparity.change.compare.inspection import Inspected, inspect
from opparity.change.compose import Sources, compose
from opparity.change.formats import ReportFormat, renderer
from opparity.change.tell.related_file import read_related
from opparity.change.tell.releases import relate_releases
from opparity.checker.languages.remembering import RememberingWorkers
from opparity.checker.results.request import Request
from opparity.checker.tree.opening import open_tree
from opparity.history.formats import HistoryFormat
from opparity.history.formats import renderer as history_renderer
from opparity.history.states import Sighting, sight, tell
from opparity.words.catalogue import catalogue
from opparity.words.language import Language

if TYPE_CHECKING:
    from opparity.change.model import ChangeReport
    from opparity.checker.tree.contents import Tree

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache/sdists"
REPORTS = ROOT / "docs/reports"
INPUTS = REPORTS / "inputs"
# Format -> the suffix of its files.
FORMATS = {ReportFormat.MARKDOWN: "md"}
OPERATORS = (replay_38750.OPERATOR, "cutlass_mla_decode")
# #38750 as it was merged.
COMMIT = "3aab680e3e26"
# Every release since 0.8.0 that has a source distribution; 0.15.0 and 0.15.1 have none.
RELEASES = (
    *("0.8.0", "0.8.1", "0.8.2", "0.8.3", "0.8.4", "0.8.5", "0.8.5.post1"),
    *("0.9.0", "0.9.0.1", "0.9.1", "0.9.2", "0.10.0", "0.10.1", "0.10.1.1", "0.10.2"),
    *("0.11.0", "0.11.1", "0.11.2", "0.12.0", "0.13.0", "0.14.0", "0.14.1", "0.16.0"),
    *("0.17.0", "0.17.1", "0.18.0", "0.18.1", "0.19.0", "0.19.1", "0.20.0", "0.20.1", "0.20.2"),
    *("0.21.0", "0.22.0", "0.22.1", "0.23.0", "0.24.0", "0.25.0", "0.25.1", "0.26.0"),
    *("0.27.0", "0.27.1", "0.28.0", "0.29.0", "0.30.0", "0.31.0", "0.32.0", "0.33.0"),
)


@dataclass(frozen=True, slots=True)
class Published:
    """A report to write.

    Attributes:
        name: of its files.
        before: a release, or a replay of #38750: "unguarded", or the macro of its guard.
        earlier: releases before it, to look for relations and a trend in.
        inputs: the beginning of the file name of its related changes.
    """

    name: str
    before: str
    after: str
    earlier: tuple[str, ...]
    inputs: str = ""


_BEFORE_0_20 = ("0.17.1", "0.18.1", "0.19.0", "0.19.1")
PUBLISHED = (
    Published("vllm-0.8.4-to-0.8.5", "0.8.4", "0.8.5", ("0.8.2", "0.8.3")),
    Published("vllm-0.8.5-to-0.9.0", "0.8.5", "0.9.0", ("0.8.3", "0.8.4")),
    Published("vllm-0.19.1-to-0.20.0", "0.19.1", "0.20.0", _BEFORE_0_20[:-1]),
    Published("vllm-38750-draft", "unguarded", "IS_ROCM", _BEFORE_0_20, "vllm-38750"),
    Published("vllm-38750", "unguarded", "USE_ROCM", _BEFORE_0_20, "vllm-38750"),
)


# What reports call the replays.
LABELS = {
    Language.ENGLISH: {
        "unguarded": "vLLM before #38750",
        "IS_ROCM": "vLLM with the draft of #38750",
        "USE_ROCM": "vLLM after #38750",
    },
    Language.CHINESE: {
        "unguarded": "#38750 之前的 vLLM",
        "IS_ROCM": "带有 #38750 初稿的 vLLM",
        "USE_ROCM": "#38750 之后的 vLLM",
    },
}


def tree(name: str) -> Tree:
    """Return a release or a replay."""
    if name == "unguarded":
        return replay_38750.unguarded(_release("0.20.0"))
    if name.endswith("_ROCM"):
        return replay_38750.guarded(tree("unguarded"), name)
    return _release(name)


def _release(version: str) -> Tree:
    return open_tree(fetch("vllm", version, CACHE))


# vLLM's facts take some 150 MB a tree: no more trees than the reports of one month need.
@lru_cache(maxsize=8)
def inspected(name: str) -> Inspected:
    """Return a tree, inspected with every rule."""
    return inspect(tree(name), f"vLLM {name}", Request())


def write_report(published: Published, folder: Path) -> None:
    """Write a report in every language and format into a folder."""
    for language in Language:
        before, after, *earlier = (
            replace(each, label=LABELS[language].get(name, each.label))
            for name in (published.before, published.after, *published.earlier)
            for each in [inspected(name)]
        )
        description, given = _inputs(published, language)
        report = build_report(
            before,
            after,
            description=description,
            architectures=compare_architectures(before, after),
        )
        report = _related(report, [*earlier, before], given)
        for output_format, suffix in FORMATS.items():
            text = renderer(output_format)(report, catalogue(language))
            path = folder / f"{published.name}.{language.value}.{suffix}"
            path.write_text(text, "utf-8")


def _inputs(published: Published, language: Language) -> tuple[str, Path | None]:
    if not published.inputs:
        return "", None
    description = INPUTS / f"{published.name}.{language.value}.md"
    return description.read_text("utf-8"), INPUTS / f"{published.inputs}.{language.value}.toml"


def _related(report: ChangeReport, releases: list[Inspected], given: Path | None) -> ChangeReport:
    touched = frozenset(row.operator for row in report.matrix.changed)
    related = relate_releases(releases, touched)
    if given is not None:
        direct, indirect = read_related(given)
        related = replace(
            related,
            direct=(*direct, *related.direct),
            indirect=(*indirect, *related.indirect),
        )
    return replace(report, related=related)


def write_commit(clone: Path, folder: Path) -> None:
    """Write the report of #38750 as it was merged, with what vLLM's history says."""
    report = compose(Sources(clone, f"{COMMIT}^..{COMMIT}"))
    for language in Language:
        text = renderer(ReportFormat.MARKDOWN)(report, catalogue(language))
        path = folder / f"vllm-38750-commit.{language.value}.md"
        path.write_text(text, "utf-8")


def write_timelines(folder: Path) -> None:
    """Write the life of each operator over all releases."""
    sightings: dict[str, list[Sighting]] = {operator: [] for operator in OPERATORS}
    with RememberingWorkers() as workers:
        for version in RELEASES:
            found = inspect(_release(version), version, Request(), workers)
            for operator in OPERATORS:
                sightings[operator].append(sight(found, operator))
            print(version, flush=True)
    for operator in OPERATORS:
        history = tell(operator, sightings[operator], len(RELEASES))
        for language in Language:
            for output_format, suffix in (
                (HistoryFormat.SVG, "svg"),
                (HistoryFormat.MARKDOWN, "md"),
            ):
                text = history_renderer(output_format)(history, catalogue(language))
                path = folder / f"life-of-{operator}.{language.value}.{suffix}"
                path.write_text(text, "utf-8")


def write(only: str, repository: Path | None, folder: Path) -> None:
    """Write every report whose name has a word in it into a folder."""
    for published in PUBLISHED:
        if only in published.name:
            started = time.process_time()
            write_report(published, folder)
            print(f"{published.name}: {time.process_time() - started:.1f} s", flush=True)
    if repository is not None:
        write_commit(repository, folder)
    if only in "life-of":
        write_timelines(folder)


def stale(folder: Path) -> list[str]:
    """Return the names of the files in a folder that are not as they are committed."""
    return [
        path.name
        for path in sorted(folder.iterdir())
        if not (REPORTS / path.name).is_file()
        or path.read_bytes() != (REPORTS / path.name).read_bytes()
    ]


def main() -> int:
    """Write what the command line asks for, or compare it with what is committed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="reports whose name has this in it")
    parser.add_argument("--repository", type=Path, metavar="CLONE", help="vLLM with its history")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    arguments = parser.parse_args()
    if not arguments.check:
        write(arguments.only, arguments.repository, REPORTS)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        write(arguments.only, arguments.repository, Path(folder))
        for name in (found := stale(Path(folder))):
            print(f"docs/reports/{name} is not what is written now", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
