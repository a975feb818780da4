"""The report as plain data: computed once, written in every format and language.

Every text in it comes from the trees, from git or from a file that the user gave, and is never
trusted; the words of the report itself are keys (`Statement`, and the values of the enumerations).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.change.statements import Statement
    from opparity.checker.facts import Severity


# ---------------------------------------------------------------- inputs and summary


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two trees.

    Attributes:
        label: the revision, folder or archive as the user named it, or as git calls it.
        project: the tree's own name.
        operators: how many operators some platform registers.
        errors: findings of severity error; `warnings` and `information` likewise.
        unknowns: what could not be decided.
        unread: files that could not be read.
    """

    label: str
    project: str
    operators: int
    errors: int
    warnings: int
    information: int
    unknowns: int
    unread: int


class Verdict(StrEnum):
    """What is known of something on a platform."""

    WORKS = "works"  # nothing was found against it
    FAILS = "fails"
    UNDECIDED = "undecided"  # nothing was found against it, and something could not be decided


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one tree does on a platform.

    Attributes:
        imports: the extension's import; it fails on an undefined symbol.
        calls: Python's calls of operators; they fail where the operator is absent.
        undecided: how many questions of either kind stayed open.
    """

    imports: Verdict
    calls: Verdict
    undecided: int


@dataclass(frozen=True, slots=True)
class PlatformVerdict:
    """A platform before and after; None where that tree does not know the platform."""

    platform: str
    before: Outlook | None
    after: Outlook | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The facts of one paragraph: `paragraph` has its sentences in order."""

    paragraph: tuple[Statement, ...]
    verdicts: tuple[PlatformVerdict, ...]


# ---------------------------------------------------------------- motivation


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the change: its name, day, subject and the rest of its message."""

    identity: str
    date: str
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Motivation:
    """Why, in the author's words.

    Attributes:
        description: the pull request's text; "" where none was given.
        commits: those of the change, newest first; empty where the trees have no history.
        numbers: issues and pull requests that the texts name, as "#38750", in order.
        is_cut: texts or commits beyond the limit were left out.
    """

    description: str
    commits: tuple[Commit, ...]
    numbers: tuple[str, ...]
    is_cut: bool


# ---------------------------------------------------------------- implementation


class FileKind(StrEnum):
    """What a file is for."""

    BINDINGS = "bindings"
    HEADER = "header"
    SOURCE = "source"
    BUILD = "build"
    PYTHON = "python"
    OTHER = "other"


class FileStatus(StrEnum):
    """What became of a file."""

    ADDED = "added"
    REMOVED = "removed"
    MODIFIED = "modified"


class LineKind(StrEnum):
    """A line of an excerpt."""

    CONTEXT = "context"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class ExcerptLine:
    """A line with its numbers; None on the side that lacks it."""

    kind: LineKind
    text: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Neighbouring lines around a change."""

    lines: tuple[ExcerptLine, ...]


@dataclass(frozen=True, slots=True)
class FileChange:
    """A row of the implementation table.

    Attributes:
        changes: what is different in the file.
        effects: what follows for operators and platforms.
        operators: those that the change is about.
        excerpts: the lines of it, as far as they fit.
        omitted: changed lines that the excerpts leave out.
    """

    path: str
    kind: FileKind
    status: FileStatus
    added_lines: int
    removed_lines: int
    changes: tuple[Statement, ...]
    effects: tuple[Statement, ...]
    operators: tuple[str, ...]
    excerpts: tuple[Excerpt, ...]
    omitted: int


@dataclass(frozen=True, slots=True)
class OtherFiles:
    """Changed files that touch no operator, counted."""

    kind: FileKind
    added: int
    removed: int
    modified: int


@dataclass(frozen=True, slots=True)
class Implementation:
    """The files of the change; `left_out` rows were beyond the limit."""

    rows: tuple[FileChange, ...]
    others: tuple[OtherFiles, ...]
    left_out: int


# ---------------------------------------------------------------- matrix


class CellVerdict(StrEnum):
    """What a platform has of an operator."""

    ABSENT = "absent"  # not registered
    WORKS = "works"  # registered, implemented and built
    SCHEMA_ONLY = "schema_only"  # registered, and no implementation
    BROKEN = "broken"  # registered, and the source is not built: the import fails
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class CellState:
    """One answer of the matrix: each of the five is "yes", "no" or "unknown".

    Attributes:
        guard: the preprocessor's condition of the registration, as C has it; "" for none. Where
            the operator is absent it is the condition that keeps it away.
    """

    verdict: CellVerdict
    declared: str
    registered: str
    implemented: str
    built: str
    called: str
    guard: str


class CellChangeKind(StrEnum):
    """How a cell of the matrix changed."""

    SAME = "same"
    APPEARED = "appeared"
    VANISHED = "vanished"
    BROKE = "broke"
    MENDED = "mended"  # broken before, and works
    WITHDRAWN = "withdrawn"  # broken before, and not registered any more: the import works
    GUARD = "guard"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CellChange:
    """An operator on a platform; None where that side has no such operator or platform."""

    platform: str
    kind: CellChangeKind
    before: CellState | None
    after: CellState | None


class RowChange(StrEnum):
    """How a row of the matrix changed."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """An operator; `cells` is parallel to `MatrixChange.platforms`.

    Attributes:
        symbols: the functions that are bound to it.
        sources: the files that define them.
    """

    operator: str
    change: RowChange
    symbols: tuple[str, ...]
    sources: tuple[str, ...]
    cells: tuple[CellChange, ...]


@dataclass(frozen=True, slots=True)
class ArchitectureRow:
    """An operator whose state differs between architectures, or changed for some of them.

    Attributes:
        before: "8.0" -> verdict, for each architecture asked; empty on a side without it.
    """

    operator: str
    platform: str
    before: tuple[tuple[str, CellVerdict], ...]
    after: tuple[tuple[str, CellVerdict], ...]


@dataclass(frozen=True, slots=True)
class MatrixChange:
    """Every operator on every platform, before and after; changed rows come first."""

    platforms: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    architectures: tuple[ArchitectureRow, ...]

    @property
    def changed(self) -> tuple[MatrixRow, ...]:
        """Return the rows in which anything changed."""
        return tuple(row for row in self.rows if row.change is not RowChange.SAME)


# ---------------------------------------------------------------- review


@dataclass(frozen=True, slots=True)
class Place:
    """A line of one of the trees, and what is to be seen there."""

    path: str
    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An edit that would mend a finding.

    Attributes:
        advice: what to do.
        path: the file to edit; "" where the advice names no line.
        line: the line to edit; 0 likewise.
        old: the line as it is.
        new: the line as it should be; "" where only the advice can be given.
    """

    advice: Statement
    path: str = ""
    line: int = 0
    old: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class ReviewedFinding:
    """A finding of the checker that one of the trees has and the other has not.

    Attributes:
        message: the checker's own sentence, in English.
        platforms: those for which it was made; empty where it holds for all.
        excerpt: the line of source.
    """

    rule: str
    name: str
    severity: Severity
    platforms: tuple[str, ...]
    operator: str
    symbol: str
    path: str
    line: int
    message: str
    excerpt: str
    related: tuple[Place, ...]
    suggestion: Suggestion | None


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer should know.

    Attributes:
        introduced: findings of the tree after that the tree before has not.
        fixed: findings of the tree before that the tree after has not.
        unresolved: findings of both trees about operators that the change touches.
        remaining: how many findings both trees have, the unresolved among them.
        remarks: what is to be said of macros and guards that the change touches.
    """

    introduced: tuple[ReviewedFinding, ...]
    fixed: tuple[ReviewedFinding, ...]
    unresolved: tuple[ReviewedFinding, ...]
    remaining: int
    remarks: tuple[Statement, ...]


# ---------------------------------------------------------------- risks and impact


class CallerOutcome(StrEnum):
    """What becomes of a Python caller whose operator is gone."""

    FAILS = "fails"  # nothing keeps the call from that platform
    MAY_FAIL = "may_fail"  # a condition that could not be decided is all that keeps it away
    FALLS_BACK = "falls_back"  # hasattr, or an except, handles the absence
    NOT_REACHED = "not_reached"  # a platform test keeps it away


@dataclass(frozen=True, slots=True)
class Caller:
    """A use of an operator from Python."""

    path: str
    line: int
    inside: str
    outcome: CallerOutcome


@dataclass(frozen=True, slots=True)
class LostOperator:
    """An operator that a platform registers no more, and who calls it there."""

    operator: str
    platform: str
    was_broken: bool
    callers: tuple[Caller, ...]


@dataclass(frozen=True, slots=True)
class MacroUse:
    """A platform macro in the guards that the change touches.

    Attributes:
        tested: places of the change's files that test it.
        defined: "path:line" -> platforms: what the builds define it at; empty for nobody.
        by_torch: platforms on which torch's own build files define it.
        files: how many files of the tree test it.
        others: other spellings for the same platform that the tree tests.
    """

    name: str
    platform: str
    tested: tuple[Place, ...]
    defined: tuple[tuple[str, tuple[str, ...]], ...]
    by_torch: tuple[str, ...]
    files: int
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Risks:
    """Risks, and the impact in three parts."""

    risks: tuple[Statement, ...]
    positive: tuple[Statement, ...]
    negative: tuple[Statement, ...]
    scope: tuple[Statement, ...]
    lost: tuple[LostOperator, ...]
    macros: tuple[MacroUse, ...]


# ---------------------------------------------------------------- related changes


@dataclass(frozen=True, slots=True)
class RelatedChange:
    """An earlier change.

    Attributes:
        identity: a commit's short name, a release, or "" for an entry of a file.
        date: YYYY-MM-DD, or "".
        numbers: "#32996", as the subject has them.
        operators: those of the change that it touched.
        reasons: why it is listed.
    """

    identity: str
    date: str
    subject: str
    numbers: tuple[str, ...]
    operators: tuple[str, ...]
    reasons: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """What was gained and lost in a release or a month; the counts are of the whole tree."""

    period: str
    operators_gained: int
    operators_lost: int
    guards_gained: int
    guards_lost: int


@dataclass(frozen=True, slots=True)
class RelatedChanges:
    """Earlier changes.

    Attributes:
        direct: they touched the same operators, sources or build lines.
        indirect: they restrict or restore operators by platform.
        trend: oldest first.
        notes: what was looked through, and what was not.
    """

    direct: tuple[RelatedChange, ...]
    indirect: tuple[RelatedChange, ...]
    trend: tuple[TrendPoint, ...]
    notes: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """The whole report."""

    before: Side
    after: Side
    summary: Summary
    motivation: Motivation
    implementation: Implementation
    matrix: MatrixChange
    review: Review
    risks: Risks
    related: RelatedChanges
