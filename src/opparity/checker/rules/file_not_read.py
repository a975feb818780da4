"""INP001."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.facts import Finding, Severity, Unknown
from opparity.checker.rules.base import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.project import Project


class FileNotRead(Rule):
    """A part of the tree could not be read, so nothing is said of what it holds.

    ## Why is this bad?
    A registration or a source list in it is invisible to every other rule: what they say of the
    tree may be incomplete.

    ## Example
    A source of 100 MB, a symbolic link that leads out of the tree, a build description that runs
    longer than the limit of steps.

    ## Use instead
    Name the file in `exclude` if it is no source of the project; make it readable if it is.

    It is listed among the unknowns and fails a check only with `--strict`.
    """

    code = "INP001"
    name = "file-not-read"
    severity = Severity.WARNING

    def check(self, project: Project) -> Iterator[Finding | Unknown]:
        """Yield every problem that a reader met."""
        for problem in project.problems:
            yield self.unknown(problem.location, problem.message)
