"""Two inspected trees and what is known of their history to one report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.change.matrix import compare_matrices
from opparity.change.model import (
    ChangeReport,
    Implementation,
    Motivation,
    RelatedChanges,
    Risks,
)
from opparity.change.outlook import compare_outlooks
from opparity.change.review import review
from opparity.change.summary import summarise

if TYPE_CHECKING:
    from opparity.change.inspection import Inspected


def build_report(before: Inspected, after: Inspected) -> ChangeReport:
    """Return what a change does to each platform."""
    matrix = compare_matrices(before, after)
    reviewed = review(before, after)
    return ChangeReport(
        before=before.side(),
        after=after.side(),
        summary=summarise(matrix, reviewed, compare_outlooks(before, after)),
        motivation=Motivation("", (), (), is_cut=False),
        implementation=Implementation((), (), 0),
        matrix=matrix,
        review=reviewed,
        risks=Risks((), (), (), (), (), ()),
        related=RelatedChanges((), (), (), ()),
    )
