"""The reports word by word; `pytest --snapshot-update` writes them anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from change.change_reports import DRAFT, REPAIRED, UNGUARDED, report_of, written
from opparity.change.formats import ReportFormat
from opparity.words.language import Language

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

PAIRS = {
    "repair": (UNGUARDED, REPAIRED),
    "draft": (UNGUARDED, DRAFT),
    "relapse": (REPAIRED, UNGUARDED),
    "table": ("table_filled_and_read_under_one_guard", "table_filled_for_cuda_read_for_rocm_too"),
}
DESCRIPTION = "The guard of the registration.\n\nFollow-up of #32996; IS_ROCM is no macro of ours."


class MarkdownFile(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "md"


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(MarkdownFile)


@pytest.mark.parametrize("output_format", [ReportFormat.MARKDOWN, ReportFormat.GITHUB_COMMENT])
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("pair", PAIRS)
def test_a_report_reads_as_it_did(
    snapshot: SnapshotAssertion, pair: str, language: Language, output_format: ReportFormat
) -> None:
    report = report_of(*PAIRS[pair], DESCRIPTION)
    assert written(report, output_format, language) == snapshot
