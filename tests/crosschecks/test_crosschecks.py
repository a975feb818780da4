from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from crosschecks.page import COMPARISONS, found_by, parts, section

if TYPE_CHECKING:
    from crosschecks.comparison import Comparison


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda c: f"{c.peer}: {c.what}")
def test_what_differs_has_its_reason_and_nothing_else_differs(comparison: Comparison) -> None:
    found = found_by(comparison)
    assert {kind: counts.unexplained for kind, counts in found.items()} == dict.fromkeys(found, 0)
    assert any(counts.differ for counts in found.values()) == bool(comparison.why)
    assert all(counts.values for counts in found.values())


def test_the_page_has_these_counts() -> None:
    assert parts()[1] == section()
