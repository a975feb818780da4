from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch

import opparity
from opparity.errors import CheckpointRefused
from opparity.evaluation import checkpoint
from opparity.evaluation.checkpoint import SHIPPED, WEIGHTS, read_checkpoint
from opparity.evaluation.corpus import Split, read_split, sample_windows
from opparity.evaluation.training import bits_per_byte

# Of the held-out bytes; gzip needs 1.95 for the same files in one archive.
BOUND = 1.9


def test_the_shipped_model_predicts_source_that_it_was_not_trained_on() -> None:
    shipped = read_checkpoint()
    windows = sample_windows(
        read_split(Split.HELD_OUT), length=shipped.configuration.context, num_bytes=1 << 13
    )
    assert bits_per_byte(shipped.model(), torch.split(windows, 4)) < BOUND
    assert shipped.training["held_out_bits_per_byte"] < BOUND


def test_the_weights_are_small_and_stay_out_of_wheels() -> None:
    assert (SHIPPED / WEIGHTS).stat().st_size < 8_000_000
    assert SHIPPED.is_relative_to(Path(opparity.__file__).parent)
    patterns = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["scikit-build"]
    assert any((SHIPPED / WEIGHTS).match(one) for one in patterns["wheel"]["exclude"])


def test_where_the_weights_are_missing_the_error_says_where_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_bytes((SHIPPED / "config.json").read_bytes())
    monkeypatch.setattr(checkpoint, "SHIPPED", tmp_path)
    with pytest.raises(CheckpointRefused, match="wheels bring no weights; pass --model"):
        read_checkpoint(tmp_path)
