"""Each of the two trees, read and checked once: what every part of the report is a function of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from opparity.change.compare.loss import NOTHING_LOST, Loss
from opparity.change.model import CellState, Side
from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.analysis.matrix import build_matrix
from opparity.checker.analysis.reading import read_project
from opparity.checker.analysis.services import Analysis
from opparity.checker.analysis.verdict import implementation_of, verdict_of
from opparity.checker.analysis.wanted import names
from opparity.checker.facts.conditions import ALWAYS, Truth, describe, disjunction
from opparity.checker.facts.names import operator_name, plain_library
from opparity.checker.languages.remembering import RememberingWorkers
from opparity.checker.results.basis import not_followed, understood
from opparity.checker.results.inspection import inspect_project
from opparity.checker.rules.findings import Finding, Severity
from opparity.collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.matrix import Cell, Matrix
    from opparity.checker.analysis.project import Project
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Registration
    from opparity.checker.facts.places import Location
    from opparity.checker.results.report import Report
    from opparity.checker.results.request import Request
    from opparity.checker.results.suppressions import Accepted
    from opparity.checker.tree.contents import Tree

WORDS = {Truth.TRUE: "yes", Truth.FALSE: "no", Truth.UNKNOWN: "unknown"}


@dataclass(frozen=True)
class Inspected:
    """A tree with everything that the checker says of it.

    Attributes:
        loss: what is not understood of it any more, where it is compared with a tree before.
    """

    label: str
    analysis: Analysis
    report: Report
    matrix: Matrix
    request: Request
    loss: Loss = NOTHING_LOST

    @property
    def project(self) -> Project:
        """Return the facts of the tree."""
        return self.analysis.project

    @property
    def tree(self) -> Tree:
        """Return the tree itself."""
        return self.project.tree

    @property
    def platforms(self) -> tuple[str, ...]:
        """Return the labels of the platforms that were looked at."""
        return self.matrix.platforms

    @property
    def accepted_findings(self) -> list[Accepted[Finding]]:
        """Return the findings that comments of the tree accept."""
        return [each for each in self.report.suppressed if isinstance(each.result, Finding)]

    def is_ignored(self, finding: Finding) -> bool:
        """Tell whether the tree's settings leave a finding's rule out in its file."""
        return self.request.ignores(finding.location.path, finding.rule)

    @property
    def is_unread(self) -> bool:
        """Tell whether the tree registers operators, and no build of it was understood."""
        basis = self.report.basis
        left = set(basis.binding_files) - set(basis.compiled_at_run_time)
        return bool(left) and not basis.understands_a_build

    @property
    def has_extension(self) -> bool:
        """Tell whether the tree registers an operator or builds anything that could."""
        return bool(self.project.registrations or any(self._targets()))

    def _targets(self) -> Iterator[object]:
        for platform in self.project.asked:
            yield from self.project.targets_on(platform)

    @cached_property
    def registrations(self) -> dict[str, tuple[Registration, ...]]:
        """Return the tree's registrations by full operator name, compiled or not."""
        named: dict[Registration, str] = {}
        for platform in self.project.asked:
            for link in self.analysis.linker.links_on(platform):
                for compiled in link.compiled:
                    for registration in compiled.file.registrations:
                        named.setdefault(registration, operator_name(registration, link.target))
        found: dict[str, list[Registration]] = {}
        for registration in self.project.registrations:
            library = plain_library(registration.library)
            plain = f"{library}::{registration.operator}" if library else registration.operator
            found.setdefault(named.get(registration, plain), []).append(registration)
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def states(self) -> dict[str, dict[str, CellState]]:
        """Return operator -> platform -> what the platform has of it."""
        return {
            row.operator: {
                platform: self._state(row.operator, cell)
                for platform, cell in zip(self.platforms, row.cells, strict=True)
            }
            for row in self.matrix.rows
        }

    @cached_property
    def symbols(self) -> dict[str, tuple[str, ...]]:
        """Return the functions bound to each operator."""
        return {row.operator: row.symbols for row in self.matrix.rows}

    @cached_property
    def registered_at(self) -> dict[Location, str]:
        """Return the full operator name of each registration's place."""
        return {
            registration.location: name
            for name, registrations in self.registrations.items()
            for registration in registrations
        }

    @cached_property
    def macro_files(self) -> dict[str, tuple[str, ...]]:
        """Return the files that test each platform macro."""
        found: dict[str, dict[str, None]] = {}
        for file in self.project.native.values():
            for test in file.macro_tests:
                if platform_of_macro(test.name):
                    found.setdefault(test.name, {})[file.path] = None
        return {name: tuple(paths) for name, paths in found.items()}

    @cached_property
    def undefined_macros(self) -> frozenset[str]:
        """Return the platform macros that are tested and that nobody defines."""
        return frozenset(test.name for test in self.analysis.undefined_macros)

    def sources(self, operator: str) -> tuple[str, ...]:
        """Return the files that define an operator's functions."""
        return tuple(
            sorted(
                {
                    definition.location.path
                    for symbol in self.symbols.get(operator, ())
                    for definition in self.project.definitions.get(symbol.rpartition("::")[2], ())
                    if names(symbol, definition)
                }
            )
        )

    def guard(self, operator: str) -> str:
        """Return the condition of an operator's registrations, as C has it; "" for none."""
        conditions = [each.condition for each in self.registrations.get(operator, ())]
        return guard_text(disjunction(*dict.fromkeys(conditions))) if conditions else ""

    def side(self) -> Side:
        """Return the tree's part of the report's head."""
        basis = self.report.basis
        return Side(
            label=self.label,
            project=self.report.project,
            operators=len(self.matrix.rows),
            errors=self.report.count(Severity.ERROR),
            warnings=self.report.count(Severity.WARNING),
            information=self.report.count(Severity.INFORMATION),
            unknowns=len(self.report.unknowns),
            unread=len(self.project.problems),
            is_empty=basis.is_empty,
            basis=() if basis.is_empty else (*understood(basis), *not_followed(basis)),
        )

    def _state(self, operator: str, cell: Cell) -> CellState:
        return CellState(
            verdict=verdict_of(cell),
            declared=WORDS[cell.declared.truth],
            registered=WORDS[cell.defined.truth],
            implemented=WORDS[implementation_of(cell)],
            built=WORDS[cell.built.truth],
            called=WORDS[cell.called.truth],
            guard=self.guard(operator),
        )


def guard_text(condition: Condition) -> str:
    """Return a preprocessor's condition as C has it; "" where it always holds."""
    return "" if condition == ALWAYS else describe(condition)


def inspect(
    tree: Tree, label: str, request: Request, workers: RememberingWorkers | None = None
) -> Inspected:
    """Read and check one tree; workers that read another one before know its files."""
    if workers is None:
        with RememberingWorkers() as own:
            return inspect(tree, label, request, own)
    workers.next_tree()
    analysis = Analysis(read_project(tree, request.platforms, workers))
    with collector_paused():
        report, matrix = inspect_project(analysis, request), build_matrix(analysis)
    return Inspected(label, analysis, report, matrix, request)
