"""What trees, git and users say is shown as text: no HTML, script, mention, reference or link."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from change.change_reports import REPAIRED, UNGUARDED, report_of, written
from hostile_text import HOSTILE, PARSER, assert_harmless
from opparity.change.formats import ReportFormat
from opparity.change.model import Commit, Motivation, RelatedChange, RelatedChanges
from opparity.escapes import code, code_block, platform_label
from opparity.words.catalogue import catalogue
from opparity.words.language import Language
from opparity.words.statements import state

if TYPE_CHECKING:
    from opparity.change.model import ChangeReport


def spoiled(report: ChangeReport, text: str) -> ChangeReport:
    """Return the report with a foreign text wherever foreign texts stand."""
    related = RelatedChange(
        text, text, text, (text,), (text,), (state("related.given", reason=text),)
    )
    row = report.matrix.rows[0]
    cell = row.cells[0]
    assert cell.after is not None
    cell = replace(cell, platform=text, after=replace(cell.after, guard=text))
    files = report.implementation.rows
    change = state("change.guard_added", operators=(text,), guard=text)
    finding = replace(
        report.review.fixed[0],
        operator=text,
        symbol=text,
        path=text,
        statement=state("place.guard", guard=text),
        excerpt=text,
        platforms=(text,),
    )
    line = replace(files[0].excerpts[0].lines[0], text=text.replace("\n", " "))
    excerpt = replace(files[0].excerpts[0], lines=(line,))
    return replace(
        report,
        before=replace(report.before, label=text, project=text),
        motivation=Motivation(
            text, (Commit(text, "2026-01-01", text, text),), (text,), is_cut=True
        ),
        implementation=replace(
            report.implementation,
            rows=(replace(files[0], path=text, changes=(change,), excerpts=(excerpt,)),),
        ),
        matrix=replace(
            report.matrix,
            platforms=(text, *report.matrix.platforms[1:]),
            rows=(replace(row, operator=text, cells=(cell, *row.cells[1:])),),
        ),
        review=replace(report.review, introduced=(finding,), fixed=(finding,), remarks=(change,)),
        risks=replace(report.risks, risks=(change,), positive=(change,)),
        related=RelatedChanges((related,), (related,), (), (change,)),
    )


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("output_format", [ReportFormat.MARKDOWN, ReportFormat.GITHUB_COMMENT])
def test_a_report_shows_hostile_texts_as_texts(
    text: str, language: Language, output_format: ReportFormat
) -> None:
    report = spoiled(report_of(UNGUARDED, REPAIRED), text)
    assert_harmless(written(report, output_format, language))


@pytest.mark.parametrize("language", Language)
def test_a_comment_that_would_be_too_long_is_shortened_and_says_so(language: Language) -> None:
    report = spoiled(report_of(UNGUARDED, REPAIRED), "`" * 300 + "x" * 3_000)
    findings = tuple(
        replace(report.review.introduced[0], line=number, symbol=f"{number}" * 99)
        for number in range(500)
    )
    review = replace(report.review, introduced=findings, unresolved=findings, fixed=findings)
    comment = written(replace(report, review=review), ReportFormat.GITHUB_COMMENT, language)
    assert len(comment) <= 16_001
    assert catalogue(language).word("text.shortened") in comment
    assert_harmless(comment)


pieces = st.sampled_from(
    ["`", "``", "|", "\\", "\n", "<", ">", "@a", "#1", "[x](y)", "http://a", " "]
)
texts = st.one_of(
    st.text(max_size=60), st.lists(st.one_of(pieces, st.text(max_size=4))).map("".join)
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(texts)
@example("`a\\| @b `")
@example("\\")
@example("\\|")
@example("`")
def test_inline_code_holds_any_text_in_a_table_and_out_of_one(text: str) -> None:
    assert_harmless(f"before {code(text)} after")
    markdown = f"| a | b |\n| --- | --- |\n| {code(text)} | end |\n"
    assert_harmless(markdown)
    cells = [token.children for token in PARSER.parse(markdown) if token.type == "inline"]
    assert len(cells) == 4
    assert cells[-1] is not None
    assert [each.content for each in cells[-1]] == ["end"]


@settings(deadline=None)
@given(texts)
@example("a\\|b")
@example("a\\\\|b")
def test_no_bar_of_inline_code_ends_a_cell_on_github(text: str) -> None:
    # GitHub's parser, unlike this one, takes `\\\\|` for a backslash and a border.
    for backslashes in re.findall(r"(\\*)\|", code(text)):
        assert len(backslashes) % 2 == 1


@settings(deadline=None)
@given(st.lists(texts, max_size=6))
def test_a_block_holds_any_lines(lines: list[str]) -> None:
    parsed = PARSER.parse("\n".join([*code_block(lines, "diff"), "", "after"]))
    assert next(token.type for token in parsed) == "fence"
    assert [token.content for token in parsed if token.type == "inline"] == ["after"]


@settings(deadline=None)
@given(texts)
def test_a_platforms_label_is_plain_or_code(text: str) -> None:
    shown = platform_label(text)
    assert shown.startswith("`") or shown == "—" or re.fullmatch(r"[\w:.]+", shown)
    assert_harmless(f"on {shown} only")
