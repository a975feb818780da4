from __future__ import annotations

from opparity.change.model import CellChangeKind
from opparity.checker.analysis.verdict import CellVerdict
from opparity.history.formats import HistoryFormat, renderer
from opparity.history.model import OperatorHistory, PlatformState, Point
from opparity.words.catalogue import catalogue
from opparity.words.language import Language

GUARD = "!defined(USE_ROCM)"


def point(
    label: str,
    verdict: CellVerdict,
    change: CellChangeKind = CellChangeKind.SAME,
    guard: str = "",
    subject: str = "",
) -> Point:
    names = () if verdict is CellVerdict.ABSENT else ("_C::scale",)
    return Point(label, "", subject, names, (PlatformState("rocm", verdict, guard, change),))


def written(*points: Point) -> list[str]:
    found = OperatorHistory("scale", ("rocm",), points, len(points), 0)
    text = renderer(HistoryFormat.MARKDOWN)(found, catalogue(Language.ENGLISH))
    return text.splitlines()


def test_successive_releases_of_one_state_share_a_row() -> None:
    lines = written(
        point("1.0", CellVerdict.ABSENT),
        point("1.1", CellVerdict.ABSENT),
        point("1.2", CellVerdict.WORKS, CellChangeKind.APPEARED),
        point("1.3", CellVerdict.WORKS),
        point("1.4", CellVerdict.WORKS, CellChangeKind.GUARD, GUARD),
        point("1.5", CellVerdict.ABSENT, CellChangeKind.VANISHED),
    )
    assert [line for line in lines if line.startswith("| `")] == [
        "| `1.0` … `1.1` | absent |",
        "| `1.2` … `1.3` | **works** |",
        "| `1.4` | **works** |",
        "| `1.5` | **absent** |",
    ]
    assert lines[-2:] == ["- `1.2` no guard", f"- `1.4` `{GUARD}`"]


def test_commits_stand_alone_with_their_subjects() -> None:
    lines = written(
        point("a" * 12, CellVerdict.WORKS, subject="One"),
        point("b" * 12, CellVerdict.WORKS, subject="Two"),
    )
    rows = [line for line in lines if line.startswith("| `")]
    assert [row.split("|")[3].strip() for row in rows] == ["`One`", "`Two`"]
