from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch

import opparity
from opparity.errors import CheckpointRefused
from opparity.evaluation import checkpoint
from opparity.evaluation.checkpoint import SHIPPED, WEIGHTS, read_model
from opparity.evaluation.configuration_file import read_configuration
from opparity.evaluation.corpus import Split, read_split, sample_windows
from opparity.evaluation.language_model import inputs_for
from opparity.evaluation.number_formats import FLOAT32, FORMATS, NumberFormat
from opparity.evaluation.training import bits_per_byte

# Of the held-out bytes; gzip needs 1.95 for the same files in one archive.
BOUND = 1.9
TEXT = b"""\
def mean(numbers):
    total = 0.0
    for number in numbers:
        total += number
    return total / len(numbers)
# end
"""
BY_NAME = {numbers.name: numbers for numbers in FORMATS}
# Of the logits for that text, wherever it runs.
GOLDEN = {
    "exact block FP8": "750b00fe18600ed3a5070827e4bc05001ec4ec139b0f8649e356bef46471ebb4",
    "exact MXFP8": "9ff18959474ec10692281722a620478e307db6c3a746bcfb767ebda0007dee0a",
    "int8 by token": "bdf11327a8ebebeb92bf3114fc5386aa535bf3abc712cf926b42d361637100b3",
}


def test_the_shipped_model_predicts_source_that_it_was_not_trained_on() -> None:
    configuration, training = read_configuration(SHIPPED)
    windows = sample_windows(
        read_split(Split.HELD_OUT), length=configuration.context, num_bytes=1 << 13
    )
    assert bits_per_byte(read_model(SHIPPED, FLOAT32), torch.split(windows, 4)) < BOUND
    assert training["held_out_bits_per_byte"] < BOUND


def logits_digest(numbers: NumberFormat, device: str) -> str:
    """Return the SHA-256 of the shipped model's logits for a text that never changes."""
    text = torch.frombuffer(bytearray(TEXT), dtype=torch.uint8).view(2, -1).to(device)
    with torch.inference_mode():
        logits = read_model(SHIPPED, numbers, device)(inputs_for(text))
    return hashlib.sha256(logits.cpu().numpy().tobytes()).hexdigest()


@pytest.mark.parametrize("provider", ["native", "reference"])
@pytest.mark.parametrize("name", GOLDEN)
def test_the_logits_are_the_golden_ones(name: str, provider: str) -> None:
    with opparity.providers(force=provider):
        assert logits_digest(BY_NAME[name], "cpu") == GOLDEN[name]


def test_the_logits_are_the_golden_ones_with_other_instructions() -> None:
    # As on a CPU without AVX2 and VNNI, in Opparity, torch, MKL and oneDNN.
    environment = os.environ | {
        "OPPARITY_CPU_CAPABILITY": "baseline",
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    }
    script = (
        "import json, test_shipped_model as tests\n"
        "print(json.dumps({name: tests.logits_digest(tests.BY_NAME[name], 'cpu')"
        " for name in tests.GOLDEN}))"
    )
    completed = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
        cwd=Path(__file__).parent,
    )
    assert json.loads(completed.stdout) == GOLDEN


@pytest.mark.gpu
@pytest.mark.parametrize("name", GOLDEN)
def test_the_logits_are_the_golden_ones_on_a_gpu(name: str) -> None:
    assert logits_digest(BY_NAME[name], "cuda") == GOLDEN[name]


def test_every_format_with_the_same_bits_everywhere_has_a_golden_digest() -> None:
    assert {numbers.name for numbers in FORMATS if numbers.same_everywhere} == set(GOLDEN)


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
        read_model(tmp_path, FLOAT32)
