from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from checker.fuzzing.trees import assert_sound, trees
from opparity.checker import bounds

if TYPE_CHECKING:
    from checker.fuzzing.trees import Files

# Trees that `make fuzz` found, each as it was shrunk; it writes new ones here.
CORPUS = Path(__file__).parent / "fuzzing" / "corpus"
FOUND = sorted(CORPUS.glob("*.json"))


@pytest.fixture(autouse=True)
def _any_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave memory to the process, which has other tests' too: it was once taken for a tree's."""
    monkeypatch.setattr(bounds, "_MOST_BYTES", 1 << 60)


@settings(
    max_examples=400,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(files=trees())
def test_a_tree_of_odd_pieces_comes_to_a_report_or_a_refusal(
    files: Files, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert_sound(files, tmp_path_factory.getbasetemp())


@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_what_was_found_once_stays_mended(path: Path, tmp_path: Path) -> None:
    assert_sound(json.loads(path.read_text("utf-8")), tmp_path)
