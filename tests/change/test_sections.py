"""Parts of the report as lines of Markdown."""

from __future__ import annotations

from dataclasses import replace

from change.change_reports import REPAIRED, UNGUARDED, report_of
from opparity.change.formats import sections
from opparity.change.model import Commit, Motivation, RelatedChange, RelatedChanges
from opparity.words.catalogue import catalogue
from opparity.words.language import Language

WORDS = catalogue(Language.ENGLISH)


def test_messages_are_quoted_below_their_commits_with_one_line_between() -> None:
    commits = (
        Commit("0123456789abcdef", "2026-01-02", "Guard it", "Because.\nReally."),
        Commit("fedcba9876543210", "2026-01-01", "Begin", ""),
        Commit("aaaaaaaaaaaaaaaa", "2025-12-31", "Before", "Why."),
    )
    report = replace(report_of(UNGUARDED, REPAIRED), motivation=Motivation("", commits, (), False))
    lines = sections.motivation(report, WORDS)
    start = lines.index("- `0123456789ab` 2026-01-02 `Guard it`")
    assert lines[start:] == [
        *("- `0123456789ab` 2026-01-02 `Guard it`", ""),
        *("  ```text", "  Because.", "  Really.", "  ```", ""),
        *("- `fedcba987654` 2026-01-01 `Begin`", "- `aaaaaaaaaaaa` 2025-12-31 `Before`", ""),
        *("  ```text", "  Why.", "  ```"),
    ]


def test_a_related_change_is_named_as_far_as_it_has_a_name() -> None:
    changes = (
        RelatedChange("abc1234", "2026-01-02", "Restrict (#12)", ("#12",), (), ()),
        RelatedChange("", "2026-01-01", "", ("#34",), (), ()),
    )
    related = RelatedChanges(direct=changes, indirect=(), trend=(), notes=())
    lines = sections.related(replace(report_of(UNGUARDED, REPAIRED), related=related), WORDS)
    rows = [line for line in lines if line.startswith("| `2026-")]
    assert rows == [
        "| `2026-01-02` | `abc1234` `Restrict (#12)` | — |",
        "| `2026-01-01` | `#34` | — |",
    ]
