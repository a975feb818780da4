from __future__ import annotations

import tomllib
from pathlib import Path

import torch

import opparity
from opparity.evaluation.checkpoint import SHIPPED, WEIGHTS, read_checkpoint
from opparity.evaluation.corpus import Split, read_split, sample_windows
from opparity.evaluation.training import bits_per_byte

# Of the held-out bytes; gzip needs 1.95 for the same files in one archive.
BOUND = 1.9


def test_the_shipped_model_predicts_source_that_it_was_not_trained_on() -> None:
    checkpoint = read_checkpoint()
    windows = sample_windows(
        read_split(Split.HELD_OUT), length=checkpoint.configuration.context, num_bytes=1 << 13
    )
    assert bits_per_byte(checkpoint.model(), torch.split(windows, 4)) < BOUND
    assert checkpoint.training["held_out_bits_per_byte"] < BOUND


def test_the_shipped_model_is_small_and_lies_in_the_package() -> None:
    assert (SHIPPED / WEIGHTS).stat().st_size < 8_000_000
    assert SHIPPED.is_relative_to(Path(opparity.__file__).parent)
    patterns = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["scikit-build"]
    assert not any((SHIPPED / WEIGHTS).match(one) for one in patterns["wheel"]["exclude"])
