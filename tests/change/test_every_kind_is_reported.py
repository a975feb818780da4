"""What a report says of each kind of mistake, as it is repaired and as it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from change.change_reports import PROJECTS, report_of, written
from opparity.change.formats import ReportFormat
from opparity.words.language import Language

if TYPE_CHECKING:
    from syrupy.assertion import SnapshotAssertion

KINDS = sorted(path.name for path in (PROJECTS / "kinds").iterdir())


class MarkdownFile(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "md"


@pytest.mark.parametrize("pair", [("broken", "repaired"), ("repaired", "broken")], ids="-".join)
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_each_kind_reads_as_it_did(
    snapshot: SnapshotAssertion, kind: str, pair: tuple[str, str]
) -> None:
    before, after = (f"kinds/{kind}/{state}" for state in pair)
    text = written(report_of(before, after), ReportFormat.MARKDOWN, Language.ENGLISH)
    assert text == snapshot.use_extension(MarkdownFile)
