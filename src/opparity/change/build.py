"""Two inspected trees and what is known of their history to one report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.change.compare.callers import lost_operators
from opparity.change.compare.implementation import changed_files, describe_implementation
from opparity.change.compare.macros import guards_touched, macro_uses
from opparity.change.compare.matrix import compare_matrices
from opparity.change.compare.trust import Concealed
from opparity.change.compare.understanding import with_loss
from opparity.change.model import ChangeReport, RelatedChanges
from opparity.change.tell.discussion import discuss
from opparity.change.tell.motivation import motivate
from opparity.change.tell.outlook import compare_outlooks
from opparity.change.tell.remarks import remark
from opparity.change.tell.review import review
from opparity.change.tell.risks import weigh
from opparity.change.tell.summary import summarise
from opparity.change.tell.understanding import understood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opparity.change.compare.inspection import Inspected
    from opparity.change.model import ArchitectureRow, Commit, ReviewComment

_NO_HISTORY = RelatedChanges((), (), (), ())
_NOTHING = Concealed()


def build_report(
    before: Inspected,
    after: Inspected,
    *,
    description: str = "",
    commits: Sequence[Commit] = (),
    related: RelatedChanges = _NO_HISTORY,
    concealed: Concealed = _NOTHING,
    comments: tuple[ReviewComment, ...] = (),
    architectures: tuple[ArchitectureRow, ...] = (),
) -> ChangeReport:
    """Return what a change does to each platform."""
    after = with_loss(before, after)
    matrix = compare_matrices(before, after, architectures)
    lost = lost_operators(after, matrix)
    verdicts = compare_outlooks(before, after, lost)
    motivation = motivate(description, commits)
    changed = changed_files(before.tree, after.tree)
    guards = guards_touched(before, after, matrix)
    macros = macro_uses(after, guards, changed)
    touched = {row.operator for row in matrix.changed}
    remarks = remark(after, guards, macros, motivation)
    reviewed = review(before, after, touched, remarks, concealed)
    reviewed = replace(
        reviewed, discussion=discuss(before, after, comments, changed, matrix, macros, reviewed)
    )
    return ChangeReport(
        before=before.side(),
        after=after.side(),
        summary=summarise(
            matrix,
            reviewed,
            verdicts,
            tuple(macro.name for macro in macros if macro.name in after.undefined_macros),
            understood=understood(before, after),
        ),
        motivation=motivation,
        implementation=describe_implementation(before, after, matrix, changed),
        matrix=matrix,
        review=reviewed,
        risks=weigh(before, after, matrix, reviewed, verdicts, guards, macros, lost),
        related=related,
    )
