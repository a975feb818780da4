from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from opparity.change.model import CellChangeKind
from opparity.checker.analysis.verdict import CellVerdict
from opparity.history.formats import HistoryFormat, renderer
from opparity.history.model import OperatorHistory, PlatformState, Point
from opparity.words.catalogue import catalogue
from opparity.words.language import Language
from pages.conftest import PHONE, elements_of, violations
from pages.test_change_page import poisoned
from pages.test_matrix_page import HOSTILE

if TYPE_CHECKING:
    from pages.conftest import Open


def point(label: str, *states: tuple[CellVerdict, CellChangeKind, str], subject: str = "") -> Point:
    platforms = ("cuda", "rocm")
    return Point(
        label,
        "2026-04-06" if subject else "",
        subject,
        ("_C::cutlass_mla_decode",),
        (
            *(
                PlatformState(platform, verdict, guard, change)
                for platform, (verdict, change, guard) in zip(platforms, states, strict=True)
            ),
            None,
        ),
    )


SAME, NONE = CellChangeKind.SAME, ""
LIFE = OperatorHistory(
    "cutlass_mla_decode",
    ("cuda", "rocm", "cpu"),
    (
        point("0.8.4", (CellVerdict.ABSENT, SAME, NONE), (CellVerdict.ABSENT, SAME, NONE)),
        point(
            "0.8.5",
            (CellVerdict.WORKS, CellChangeKind.APPEARED, NONE),
            (CellVerdict.BROKEN, CellChangeKind.BROKE, NONE),
        ),
        point(
            "0.9.0",
            (CellVerdict.WORKS, CellChangeKind.GUARD, "!defined(USE_ROCM)"),
            (CellVerdict.ABSENT, CellChangeKind.WITHDRAWN, "!defined(USE_ROCM)"),
            subject="Guard it",
        ),
    ),
    looked_through=3,
    left_out=0,
)


def page_of(history: OperatorHistory, language: Language = Language.ENGLISH) -> str:
    return renderer(HistoryFormat.HTML)(history, catalogue(language))


def test_the_picture_is_drawn_and_the_table_says_the_same(visit: Open) -> None:
    seen = visit(page_of(LIFE))
    picture = seen.page.get_by_role("img")
    assert picture.evaluate("image => image.complete && image.naturalWidth") > 200
    rows = [
        " ".join(text.split()) for text in seen.page.locator(".life tbody tr").all_inner_texts()
    ]
    assert rows[1].startswith("0.8.5 works broken no extension for it appears on cuda")
    assert rows[2].endswith("!defined(USE_ROCM) Guard it")
    assert [each for each in seen.requests if not each.startswith(("file:", "data:"))] == []
    assert seen.complaints == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_follows_the_theme_that_is_chosen(visit: Open, theme: str) -> None:
    page = visit(page_of(LIFE), theme=theme).page
    picture = page.get_by_role("img")
    before = picture.screenshot()
    page.get_by_role("button", name="Dark").click()
    assert picture.screenshot() != before


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_a_phone(visit: Open, theme: str, language: Language) -> None:
    page = visit(page_of(LIFE, language), theme=theme, size=PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert violations(page) == []


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_history_is_text(visit: Open, hostile: str) -> None:
    html = page_of(poisoned(LIFE, hostile))
    harmless = set(elements_of(page_of(poisoned(LIFE, "harmless"))))
    assert set(elements_of(html)) <= harmless | {("wbr", ())}
    seen = visit(html)
    assert seen.page.get_by_role("img").evaluate("image => image.naturalWidth") > 200
    assert seen.complaints == []
