from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.change.compare.inspection import Inspected
from opparity.checker.analysis.basis import Basis
from opparity.checker.analysis.matrix import Answer, Cell, Matrix, Row
from opparity.checker.analysis.project import Project
from opparity.checker.analysis.services import Analysis
from opparity.checker.analysis.verdict import verdict
from opparity.checker.facts.conditions import Truth
from opparity.checker.results.report import Report
from opparity.checker.results.request import Request
from opparity.checker.tree.contents import Tree
from opparity.pages.matrix import status_of

if TYPE_CHECKING:
    from opparity.change.model import CellState

# Registered, implemented, built: yes, no or unknown each.
TABLE = """
yyy works       yyn broken      yy? undecided
yny incomplete  ynn incomplete  yn? incomplete
y?y undecided   y?n undecided   y?? undecided
nyy incomplete  nyn broken      ny? undecided
nny absent      nnn absent      nn? absent
n?y undecided   n?n undecided   n?? undecided
?yy undecided   ?yn broken      ?y? undecided
?ny undecided   ?nn undecided   ?n? undecided
??y undecided   ??n undecided   ??? undecided
"""
TRUTHS = {"y": Truth.TRUE, "n": Truth.FALSE, "?": Truth.UNKNOWN}
WORDS = TABLE.split()
ROWS = list(zip(WORDS[::2], WORDS[1::2], strict=True))


def test_every_answer_is_in_the_table() -> None:
    assert len({answers for answers, _ in ROWS}) == len(TRUTHS) ** 3


@pytest.mark.parametrize(("answers", "expected"), ROWS)
def test_a_verdict_is_what_its_answers_come_to(answers: str, expected: str) -> None:
    assert verdict(*(TRUTHS[each] for each in answers)).value == expected


@pytest.mark.parametrize(("answers", "expected"), ROWS)
def test_pages_and_reports_say_the_same(answers: str, expected: str) -> None:
    registered, implemented, built = (Answer(TRUTHS[each]) for each in answers)
    no = Answer(Truth.FALSE)
    cell = Cell(no, registered, (("CUDA", implemented),), built, no)
    assert status_of(cell) == expected
    assert state_of(cell).verdict.value == expected


def state_of(cell: Cell) -> CellState:
    matrix = Matrix(("cuda",), (Row("_C::x", (), (cell,)),))
    project = Project("here", Tree("here", {}), ())
    report = Report("here", ("cuda",), (), (), (), Basis("here"))
    return Inspected("here", Analysis(project), report, matrix, Request()).states["_C::x"]["cuda"]
