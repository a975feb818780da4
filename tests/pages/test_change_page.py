from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from opparity.change.build import build_report
from opparity.change.compare.inspection import inspect
from opparity.change.formats import ReportFormat, renderer
from opparity.change.model import (
    ArchitectureRow,
    Caller,
    CallerOutcome,
    ChangeReport,
    Commit,
    Discussed,
    Discussion,
    HiddenFinding,
    LostOperator,
    RelatedChange,
    RelatedChanges,
    ReviewComment,
    ReviewedFinding,
    TrendPoint,
)
from opparity.checker.analysis.verdict import CellVerdict
from opparity.checker.results.request import Request
from opparity.checker.tree.opening import open_tree
from opparity.pages.excerpts import highlighted
from opparity.words.catalogue import catalogue
from opparity.words.language import Language
from opparity.words.statements import Statement, state
from pages.conftest import PHONE, elements_of, violations
from pages.test_matrix_page import HOSTILE, said

if TYPE_CHECKING:
    from pages.conftest import Open

PROJECTS = Path(__file__).parents[1] / "projects"
DESCRIPTION = "Fixes #38748, after #32996.\n\n  <b>IS_ROCM</b>\u3000guards it"
OPEN_ALL = "document.querySelectorAll('details').forEach(each => { each.open = true; })"
OPERATOR = "_C::silu_and_mul_per_block_quant"
RELATED = RelatedChanges(
    direct=(
        RelatedChange(
            "0c1809c8",
            "2026-03-30",
            "[Kernel] Add it (#32996)",
            ("#32996", "#38748"),
            (OPERATOR,),
            (state("related.touched_operators", operators=(OPERATOR,)),),
        ),
    ),
    indirect=(RelatedChange("", "", "0.8.5", (), (), ()),),
    trend=(TrendPoint("2026-03", 12, 3, 4, 5), TrendPoint("2026-04", 0, 0, 0, 0)),
    notes=(state("related.no_history"),),
)

COMMENT = ReviewComment(
    identity="1",
    answers="",
    author="reviewer",
    date="2026-04-02",
    path="csrc/ops.h",
    line=7,
    first_line=0,
    is_before=False,
    body="Is `IS_ROCM` <b>defined</b>?",
)
DISCUSSION = Discussion(
    (
        Discussed(
            COMMENT,
            (state("comment.macro", macros=("IS_ROCM",)),),
            (state("comment.macro_other", macro="IS_ROCM", known="USE_ROCM"),),
        ),
        Discussed(COMMENT, (state("comment.answer"),), ()),
    ),
    left_out=3,
    is_cut=True,
)


def real_report(before: str, after: str) -> ChangeReport:
    sides = [inspect(open_tree(PROJECTS / name, None), name, Request()) for name in (before, after)]
    return build_report(
        *sides,
        description=DESCRIPTION,
        commits=(Commit("3dd5bf1b" * 5, "2026-04-06", "Guard it", "A body.\n\tIndented."),),
        related=RELATED,
        architectures=(
            ArchitectureRow(
                OPERATOR,
                "cuda",
                (),
                (("8.0", CellVerdict.WORKS), ("9.0", CellVerdict.INCOMPLETE)),
            ),
        ),
    )


@pytest.fixture(scope="module")
def draft() -> ChangeReport:
    """Return the report of the draft that guards with IS_ROCM, every part of it filled."""
    report = real_report("vllm_38750_unguarded", "vllm_38750_guarded_by_is_rocm")
    callers = tuple(Caller("vllm/_custom_ops.py", 7, "call", each) for each in CallerOutcome)
    lost = LostOperator(OPERATOR, "rocm", was_broken=True, callers=callers)
    finding = report.review.introduced[0]
    return dataclasses.replace(
        report,
        risks=dataclasses.replace(report.risks, lost=(lost,)),
        review=dataclasses.replace(
            report.review,
            fixed=(dataclasses.replace(finding, suggestion=None),),
            unresolved=(dataclasses.replace(finding, suggestion=None, platforms=("rocm",)),),
            unread=(dataclasses.replace(finding, suggestion=None),),
            hidden=(HiddenFinding(finding, is_new=True, reason=state("hidden.settings")),),
            settings=(state("hidden.setting", setting="ignore", old="[]", new='["BLD"]'),),
            discussion=DISCUSSION,
        ),
    )


def page_of(report: ChangeReport, language: Language = Language.ENGLISH) -> str:
    return renderer(ReportFormat.HTML)(report, catalogue(language))


@pytest.mark.parametrize("language", Language)
def test_all_seven_sections_are_there_in_order_and_the_contents_lead_to_them(
    visit: Open, draft: ChangeReport, language: Language
) -> None:
    seen = visit(page_of(draft, language))
    words = catalogue(language)
    names = ("summary", "motivation", "implementation", "matrix", "review", "risks", "related")
    headings = [words.word(f"heading.{name}") for name in names]
    assert seen.page.locator("main h2").all_inner_texts() == headings
    links = seen.page.locator("nav.contents a")
    assert links.all_inner_texts() == headings
    for name, link in zip(names, links.all(), strict=True):
        link.click()
        assert seen.page.evaluate("location.hash") == f"#{name}"
        assert seen.page.locator(f"h2#{name}").is_visible()
    assert len(seen.requests) == 1
    assert seen.complaints == []


def test_what_is_fixed_or_accepted_is_not_shown_as_something_bad(
    visit: Open, draft: ChangeReport
) -> None:
    accepted = dataclasses.replace(draft.review, is_trusted=True)
    page = visit(page_of(dataclasses.replace(draft, review=accepted))).page
    edge = "each => getComputedStyle(each).borderInlineStartColor"
    sign = "each => getComputedStyle(each).color"
    bad = page.locator("article.finding.warning").first.evaluate(edge)
    for kind in ("fixed", "accepted"):
        card = page.locator(f"article.{kind}").first
        assert card.evaluate(edge) != bad
        status = page.locator("article.finding.warning h4 .status").first.evaluate(sign)
        assert card.locator("h4 .status").first.evaluate(sign) != status


def test_what_reviewers_wrote_stands_with_what_the_checker_says(
    visit: Open, draft: ChangeReport
) -> None:
    page = visit(page_of(draft)).page
    first, second = page.locator("article.comment").all()
    assert "Is `IS_ROCM` <b>defined</b>?" in first.locator("blockquote").inner_text()
    assert "USE_ROCM is the macro that is defined" in first.inner_text()
    assert "The checker finds nothing at this place." in second.inner_text()


def test_what_the_change_does_is_said(visit: Open, draft: ChangeReport) -> None:
    page = visit(page_of(draft)).page
    rows = page.locator("#implementation ~ table tbody")
    assert rows.count() == len(draft.implementation.rows) == 2
    text = rows.first.inner_text()
    assert "csrc/torch_bindings.cpp" in text
    assert "!defined(IS_ROCM)" in text
    # A line that was added is an <ins> with a plus, whatever its colour.
    inserted = rows.first.locator("ins").all_inner_texts()
    assert [" ".join(line.split()) for line in inserted] == ["9 + #ifndef IS_ROCM", "14 + #endif"]
    assert rows.first.locator("ins .pre").first.inner_text() == "#ifndef IS_ROCM"
    suggestion = page.locator("article.finding").first.locator("pre")
    assert suggestion.locator("del").inner_text().split()[-2:] == ["#ifndef", "IS_ROCM"]
    assert suggestion.locator("ins").inner_text().split()[-2:] == ["#ifndef", "USE_ROCM"]
    quoted = page.locator(".quoted").first
    assert quoted.inner_text() == DESCRIPTION.replace("\u3000", " ")
    assert page.locator("#related ~ table").first.locator("code").first.inner_text() == "#38748"


def test_every_rule_of_a_finding_is_explained(visit: Open, draft: ChangeReport) -> None:
    page = visit(page_of(draft)).page
    finding = page.locator("article.finding").first
    why = finding.locator("details p")
    assert why.is_hidden()
    finding.locator("summary").focus()
    page.keyboard.press("Enter")
    assert why.inner_text().startswith("An undefined macro is false without a word")
    review = draft.review
    told = (review.introduced, review.unresolved, review.unread, review.fixed)
    assert page.locator("article.finding").count() == sum(map(len, told))


def test_the_matrix_begins_with_what_changed(visit: Open, draft: ChangeReport) -> None:
    page = visit(page_of(draft)).page
    said(page, "1 of 2 operators")
    row = page.locator("#operators tbody:visible")
    assert row.locator("th code").inner_text() == OPERATOR
    page.get_by_label("Only what changed").press("Space")
    said(page, "2 of 2 operators")
    page.locator("select[name=status]").select_option("broken")
    said(page, "1 of 2 operators")
    # One of few that changed: its places are shown at once.
    evidence = " ".join(row.locator(".evidence").inner_text().split())
    assert "DRI.. no guard → DRI.. !defined(IS_ROCM)" in evidence
    page.get_by_label("1 another guard, rocm").click()
    expect(page.locator("select[name=status]")).to_have_value("guard")
    said(page, "1 of 2 operators")


def test_a_chinese_page_says_that_it_is_one(visit: Open, draft: ChangeReport) -> None:
    page = visit(page_of(draft, Language.CHINESE)).page
    assert page.evaluate("document.documentElement.lang") == "zh-Hans"
    fonts = page.evaluate("getComputedStyle(document.body).fontFamily")
    assert "Noto Sans CJK SC" in fonts
    said(page, "显示 1 / 2 个算子")
    finding = page.locator("article.finding").first
    assert "此处判断的 IS_ROCM 没有任何构建、源文件或 torch 定义" in finding.inner_text()
    assert page.locator("[lang=en]").count() == 0
    own = re.sub(r"<(script|style)>.*?</\1>", "", page_of(draft, Language.CHINESE), flags=re.DOTALL)
    for word in ("Summary", "Only what", "Skip to", "Written by"):
        assert word not in own


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways(
    visit: Open, draft: ChangeReport, language: Language, theme: str, width: int
) -> None:
    size = {"width": width, "height": 844}
    page = visit(page_of(draft, language), theme=theme, size=size).page
    page.evaluate(OPEN_ALL)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert violations(page) == []


# What is no text of the trees: words of the model itself, and a rule's code.
OURS = {"rule", "declared", "registered", "implemented", "built", "called"}


def poisoned(value: Any, text: str) -> Any:  # noqa: ANN401 -- any part of a report
    """Return the same report with every text that comes from outside replaced."""
    if type(value) is str:
        return text
    if isinstance(value, Statement):
        values = tuple((name, poisoned(each, text)) for name, each in value.values)
        return Statement(value.key, values)
    if isinstance(value, tuple):
        return tuple(poisoned(each, text) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value,
            **{
                field.name: poisoned(getattr(value, field.name), text)
                for field in dataclasses.fields(value)
                if field.name not in OURS or isinstance(value, ReviewedFinding)
                if field.name != "rule"
            },
        )
    return value


def test_poison_reaches_every_text(draft: ChangeReport) -> None:
    shown = repr(poisoned(draft, "POISON"))
    for text in ("vllm", "silu", "IS_ROCM", "Guard it", "csrc", "32996"):
        assert text in repr(draft)
        assert text not in shown


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_tree_description_and_history_are_text(
    visit: Open, draft: ChangeReport, hostile: str
) -> None:
    html = page_of(poisoned(draft, hostile))
    html.encode("utf-8")
    harmless = elements_of(page_of(poisoned(draft, "harmless")))
    found = elements_of(html)
    # The same elements with the same attributes, less what marks code and breaks lines.
    assert set(found) <= set(harmless) | {("wbr", ()), ("span", ("class",))}
    seen = visit(html)
    title = seen.page.title()
    seen.page.evaluate(
        "document.querySelectorAll('details').forEach(each => { each.open = true; })"
    )
    seen.page.wait_for_timeout(50)
    assert seen.page.title() == title
    assert title.endswith(hostile) or not hostile.isprintable()
    assert len(seen.requests) == 1
    assert seen.complaints == []


def test_a_phone_shows_a_hostile_name_without_scrolling(visit: Open, draft: ChangeReport) -> None:
    page = visit(page_of(poisoned(draft, "x" * 300)), size=PHONE).page
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_nothing_changed_is_a_page_too(visit: Open) -> None:
    report = real_report("vllm_38750_unguarded", "vllm_38750_unguarded")
    seen = visit(page_of(report))
    assert "No operator, platform, guard or finding is different." in seen.page.inner_text("main")
    said(seen.page, "2 of 2 operators")
    assert seen.complaints == []
    assert violations(seen.page) == []


@pytest.mark.parametrize("path", ["a.cu", "a.py", "CMakeLists.txt", "a.toml", "a.unknown"])
@pytest.mark.parametrize("line", [*HOSTILE, "", '"unclosed', "/* unclosed", "#if <a> \\", "\u0000"])
def test_highlighting_keeps_every_line_and_its_text(path: str, line: str) -> None:
    lines = ["int first();", line, "", "int last();", ""]
    shown = highlighted(path, lines)
    assert len(shown) == len(lines)
    assert shown[0].striptags() == lines[0]
    assert "<script" not in shown[1].replace("<span", "")
    assert re.findall(r"<(?!/?span\b)", "".join(shown)) == []
