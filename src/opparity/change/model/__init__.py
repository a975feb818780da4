"""The report as plain data: computed once, written in every format and language.

Every text in it comes from the trees, from git or from a file that the user gave, and is never
trusted; the words of the report itself are keys (`Statement`, and the values of the enumerations).
"""

from __future__ import annotations

from dataclasses import dataclass

from opparity.change.model.discussion import Discussed, Discussion, ReviewComment
from opparity.change.model.files import (
    Excerpt,
    ExcerptLine,
    FileChange,
    FileKind,
    FileStatus,
    Implementation,
    LineKind,
    OtherFiles,
)
from opparity.change.model.matrix import (
    ArchitectureRow,
    CellChange,
    CellChangeKind,
    CellState,
    MatrixChange,
    MatrixRow,
    RowChange,
)
from opparity.change.model.related import (
    RelatedChange,
    RelatedChanges,
    TrendPoint,
)
from opparity.change.model.review import (
    HiddenFinding,
    Place,
    Review,
    ReviewedFinding,
    Suggestion,
)
from opparity.change.model.risks import (
    Caller,
    CallerOutcome,
    LostOperator,
    MacroUse,
    Risks,
)
from opparity.change.model.summary import (
    Commit,
    Motivation,
    Outlook,
    PlatformVerdict,
    Side,
    Summary,
    Verdict,
    bases,
)


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


__all__ = [
    "ArchitectureRow",
    "Caller",
    "CallerOutcome",
    "CellChange",
    "CellChangeKind",
    "CellState",
    "ChangeReport",
    "Commit",
    "Discussed",
    "Discussion",
    "Excerpt",
    "ExcerptLine",
    "FileChange",
    "FileKind",
    "FileStatus",
    "HiddenFinding",
    "Implementation",
    "LineKind",
    "LostOperator",
    "MacroUse",
    "MatrixChange",
    "MatrixRow",
    "Motivation",
    "OtherFiles",
    "Outlook",
    "Place",
    "PlatformVerdict",
    "RelatedChange",
    "RelatedChanges",
    "Review",
    "ReviewComment",
    "ReviewedFinding",
    "Risks",
    "RowChange",
    "Side",
    "Suggestion",
    "Summary",
    "TrendPoint",
    "Verdict",
    "bases",
]
