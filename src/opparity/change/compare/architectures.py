"""Operators by architecture: sources that a build takes in for some of a GPU's generations only."""

from __future__ import annotations

from dataclasses import replace

from opparity.change.compare.inspection import Inspected
from opparity.change.model import ArchitectureRow
from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.services import Analysis
from opparity.checker.analysis.verdict import CellVerdict
from opparity.checker.facts.platforms import Platform
from opparity.checker.languages.cmake.evaluation import CMakeReader

# Ampere, Ada, Hopper, Blackwell for data centres and for desktops.
ARCHITECTURES = ("8.0", "8.9", "9.0", "10.0", "12.0")
_Verdicts = dict[str, tuple[tuple[str, CellVerdict], ...]]


def compare_architectures(before: Inspected, after: Inspected) -> tuple[ArchitectureRow, ...]:
    """Return the operators whose state on some architecture of CUDA is another one than before.

    Operators that are new, gone or changed on CUDA as a whole are in the matrix already; they are
    listed here only where architectures differ.
    """
    first, second = by_architecture(before), by_architecture(after)
    rows = []
    for operator in sorted({*first, *second}):
        old, new = first.get(operator, ()), second.get(operator, ())
        if old != new and _differs([*old, *new], is_whole=not old or not new):
            rows.append(ArchitectureRow(operator, "cuda", old, new))
    return tuple(rows)


def _differs(verdicts: list[tuple[str, CellVerdict]], *, is_whole: bool) -> bool:
    return not is_whole or len({verdict for _, verdict in verdicts}) > 1


def by_architecture(inspected: Inspected) -> _Verdicts:
    """Return operator -> what each architecture has of it; empty where CUDA is not asked for."""
    project = inspected.project
    if Platform("cuda") not in project.asked:
        return {}
    platforms = tuple(Platform("cuda", (each,)) for each in ARCHITECTURES)
    builds = tuple(CMakeReader(project.tree).read(platforms))
    narrowed = Analysis(replace(project, platforms=platforms, asked=platforms, builds=builds))
    matrix = build_matrix(narrowed)
    states = Inspected(
        inspected.label, narrowed, inspected.report, matrix, inspected.request
    ).states
    return {
        operator: tuple(
            (label.partition(":")[2], state.verdict) for label, state in by_platform.items()
        )
        for operator, by_platform in states.items()
    }
