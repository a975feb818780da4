"""The founding story, in small: what a person would say of the change, each as a fact."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from change.change_reports import (
    DRAFT,
    OPERATOR,
    REPAIRED,
    UNGUARDED,
    document,
    report_of,
    statements,
    written,
)
from opparity.change.formats import ReportFormat
from opparity.change.model import (
    CellChangeKind,
    ChangeReport,
    FileKind,
    LineKind,
    RowChange,
    Verdict,
)
from opparity.checker.analysis.verdict import CellVerdict
from opparity.words.language import Language

SCHEMA = Path(__file__).parents[2] / "docs/schemas/report.schema.json"


@pytest.fixture(scope="module")
def repair() -> ChangeReport:
    return report_of(UNGUARDED, REPAIRED, "Follow-up of #32996. IS_ROCM guards nothing.")


@pytest.fixture(scope="module")
def draft() -> ChangeReport:
    return report_of(UNGUARDED, DRAFT)


def test_the_repair_withdraws_the_operator_from_rocm_and_leaves_cuda_alone(
    repair: ChangeReport,
) -> None:
    (row,) = repair.matrix.changed
    assert (row.operator, row.change) == (OPERATOR, RowChange.CHANGED)
    by_platform = {cell.platform: cell for cell in row.cells}
    assert by_platform["rocm"].kind is CellChangeKind.WITHDRAWN
    assert by_platform["cuda"].kind is CellChangeKind.GUARD
    cuda = by_platform["cuda"].after
    assert cuda is not None
    assert (cuda.verdict, cuda.guard) == (CellVerdict.WORKS, "!defined(USE_ROCM)")


def test_the_two_files_and_the_moved_guard_are_told_with_their_lines(repair: ChangeReport) -> None:
    rows = {row.path: row for row in repair.implementation.rows}
    assert set(rows) == {"csrc/ops.h", "csrc/torch_bindings.cpp"}
    assert rows["csrc/ops.h"].kind is FileKind.HEADER
    assert rows["csrc/torch_bindings.cpp"].kind is FileKind.BINDINGS
    for row in rows.values():
        assert (row.added_lines, row.removed_lines, row.omitted) == (2, 0, 0)
        lines = [line for excerpt in row.excerpts for line in excerpt.lines]
        added = [line.text for line in lines if line.kind is LineKind.ADDED]
        assert added == ["#ifndef USE_ROCM", "#endif"]
        assert not [line for line in lines if line.kind is LineKind.REMOVED]
    changes = statements(document(repair)["implementation"])
    assert {"change.guard_added", "change.declaration_guard_added"} <= changes
    assert {"effect.withdrawn", "effect.hidden", "effect.still_works"} <= changes


def test_an_excerpts_line_numbers_are_those_of_the_files(repair: ChangeReport) -> None:
    for row in repair.implementation.rows:
        after = (SCHEMA.parents[2] / "tests/projects" / REPAIRED / row.path).read_text().split("\n")
        before = (SCHEMA.parents[2] / "tests/projects" / UNGUARDED / row.path).read_text()
        for line in (line for excerpt in row.excerpts for line in excerpt.lines):
            if line.after is not None:
                assert after[line.after - 1].rstrip() == line.text
            if line.before is not None:
                assert before.split("\n")[line.before - 1].rstrip() == line.text


def test_the_import_on_rocm_is_mended_and_nothing_else_changes(repair: ChangeReport) -> None:
    verdicts = {each.platform: each for each in repair.summary.verdicts}
    rocm, cuda = verdicts["rocm"], verdicts["cuda"]
    assert rocm.before is not None
    assert rocm.after is not None
    assert (rocm.before.imports, rocm.after.imports) == (Verdict.FAILS, Verdict.WORKS)
    assert cuda.before == cuda.after
    # What cannot be imported cannot be called.
    assert rocm.before.calls is Verdict.FAILS
    first, *_ = repair.summary.paragraph
    assert first.key == "summary.imports_mended"
    assert "summary.imports_mended" in statements(document(repair)["summary"])


def test_the_repair_fixes_the_error_and_introduces_none(repair: ChangeReport) -> None:
    assert [(each.rule, each.operator) for each in repair.review.fixed] == [("BLD001", OPERATOR)]
    assert repair.review.introduced == ()
    assert repair.review.unresolved == ()


def test_the_macro_is_remarked_and_the_one_of_the_draft_refuted(repair: ChangeReport) -> None:
    remarks = {each.key: dict(each.values) for each in repair.review.remarks}
    assert remarks["remark.macro_defined"]["macro"] == "USE_ROCM"
    assert remarks["remark.macro_defined"]["places"] == ("CMakeLists.txt:22",)
    assert remarks["remark.text_macro"] == {"macro": "IS_ROCM", "known": "USE_ROCM"}
    assert remarks["remark.guards_agree"]["places"] == ("csrc/ops.h:8",)


def test_the_three_risks_are_named(repair: ChangeReport) -> None:
    keys = [each.key for each in repair.risks.risks]
    assert keys[:3] == ["risk.macro_consistency", "risk.macro_defined", "risk.missing_uncalled"]
    (lost,) = repair.risks.lost
    assert (lost.operator, lost.platform, lost.was_broken) == (OPERATOR, "rocm", True)


def test_the_numbers_of_the_description_are_collected(repair: ChangeReport) -> None:
    assert repair.motivation.numbers == ("#32996",)


def test_the_draft_mends_nothing_and_its_edit_is_suggested(draft: ChangeReport) -> None:
    rocm = next(each for each in draft.summary.verdicts if each.platform == "rocm")
    assert rocm.after is not None
    assert rocm.after.imports is Verdict.FAILS
    assert {each.rule for each in draft.review.introduced} == {"MAC001"}
    assert [each.rule for each in draft.review.unresolved] == ["BLD001"]
    for finding in (*draft.review.introduced, *draft.review.unresolved):
        assert finding.suggestion is not None
        assert finding.suggestion.old == "#ifndef IS_ROCM"
        assert finding.suggestion.new == "#ifndef USE_ROCM"
    assert "risk.macro_undefined" in {each.key for each in draft.risks.risks}
    summary = {each.key: dict(each.values) for each in draft.summary.paragraph}
    assert summary["summary.guard_added"]["guard"] == "!defined(IS_ROCM)"
    assert summary["summary.guard_undefined"] == {"macro": "IS_ROCM"}


def test_the_way_back_breaks_rocm() -> None:
    report = report_of(REPAIRED, UNGUARDED)
    cells = {cell.platform: cell.kind for row in report.matrix.changed for cell in row.cells}
    assert cells["rocm"] is CellChangeKind.BROKE
    assert [each.rule for each in report.review.introduced] == ["BLD001"]
    assert {"summary.broke", "summary.imports_now_fail"} <= statements(document(report)["summary"])


def test_a_tree_compared_with_itself_has_nothing_to_tell() -> None:
    report = report_of(REPAIRED, REPAIRED)
    assert report.matrix.changed == ()
    assert report.implementation.rows == ()
    assert report.implementation.others == ()
    assert report.review.introduced == report.review.fixed == ()
    assert report.summary.paragraph[0].key == "summary.nothing"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("pair", [(UNGUARDED, REPAIRED), (UNGUARDED, DRAFT), (REPAIRED, UNGUARDED)])
def test_the_json_is_what_its_schema_says(pair: tuple[str, str], language: Language) -> None:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document(report_of(*pair), language))


def test_only_the_texts_of_the_json_hang_on_the_language(repair: ChangeReport) -> None:
    def stripped(value: object) -> object:
        if isinstance(value, dict):
            return {k: stripped(v) for k, v in value.items() if k not in {"text", "language"}}
        return [stripped(each) for each in value] if isinstance(value, list) else value

    english, chinese = document(repair), document(repair, Language.CHINESE)
    assert stripped(english) == stripped(chinese)
    assert english != chinese


def test_a_comment_is_shorter_than_its_limit_and_can_be_found_again(repair: ChangeReport) -> None:
    comment = written(repair, ReportFormat.GITHUB_COMMENT)
    assert comment.startswith("<!-- opparity report -->\n")
    assert len(comment) < 16_000
