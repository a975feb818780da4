from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
import torch

import opparity
from opparity.evaluation import evaluate as evaluation_module
from opparity.evaluation.checkpoint import read_model
from opparity.evaluation.evaluate import Text, evaluate
from opparity.evaluation.language_model import bits_of, inputs_for
from opparity.evaluation.number_formats import FLOAT32, FORMATS
from opparity.evaluation.results import Evaluation
from opparity.evaluation.variants import CPU, Variant, available_variants
from opparity.nn import norm
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BY_NAME = {numbers.name: numbers for numbers in FORMATS}
BLOCK_FP8, INT8 = BY_NAME["block FP8"], BY_NAME["int8 by token"]
QUANTISED = [numbers for numbers in FORMATS if numbers.linear is not None]


class Watched:
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.planned: list[tuple[str, int]] = []
        self.done: list[int] = []

    def begin(self, label: str, tokens: int) -> int:
        self.planned.append((label, tokens))
        self.done.append(0)
        return len(self.done) - 1

    def advance(self, number: int, tokens: int) -> None:
        self.done[number] += tokens


def text() -> Text:
    windows = torch.randint(
        1, 256, (7, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(5)
    )
    return Text(windows[:3], windows[3:], batch=2)


def run(folder: Path, *variants: Variant) -> Evaluation:
    return evaluate(folder, text(), CPU, watcher=Watched(), variants=list(variants))


@dataclass(frozen=True, slots=True)
class Flipping(Variant):
    """One bit of one code is flipped in every norm after the first few."""

    after: int = 0
    calls: list[int] = field(default_factory=list, compare=False)

    @contextmanager
    def serving(self) -> Iterator[None]:
        def flipped(*given: Any, **numbers: Any) -> Any:  # noqa: ANN401 -- as it is given
            found = opparity.rms_norm(*given, **numbers)
            if isinstance(found, opparity.Quantized):
                self.calls.append(1)
                if len(self.calls) > self.after:
                    found.values.view(torch.uint8)[-1, -1, -1] ^= 1
            return found

        with opparity.providers(force="native"), patch.object(norm, "rms_norm", flipped):
            yield


@pytest.mark.parametrize("numbers", QUANTISED, ids=lambda numbers: numbers.name)
def test_all_implementations_of_this_machine_give_identical_bits(
    numbers: Any,  # noqa: ANN401 -- a format
    small_folder: Path,
) -> None:
    evaluation = run(small_folder, *(Variant(numbers, CPU, one) for one in ("native", "reference")))
    (comparison,) = evaluation.comparisons
    native, reference = comparison.measurements
    assert evaluation.identical is comparison.identical is True
    assert native.total == reference.total
    assert native.share.codes_sha256 is not None
    assert len(native.share.codes_sha256) == len(native.share.logits_sha256) == 64


def test_no_two_formats_give_the_same_bits(small_folder: Path) -> None:
    runs = run(
        small_folder,
        # Exact sums of so few products may round to what others do.
        *(
            Variant(numbers, CPU, "native" if numbers.linear else None)
            for numbers in FORMATS
            if numbers.product is None
        ),
    ).measurements
    assert len({one.total.logits_sha256 for one in runs}) == 5
    assert len({one.total.bits_per_byte for one in runs}) == 5
    assert [one.total.codes_sha256 is None for one in runs] == [True] * 2 + [False] * 3


@pytest.mark.parametrize("numbers", [BLOCK_FP8, INT8], ids=lambda numbers: numbers.name)
def test_a_single_flipped_bit_of_a_code_is_found(
    numbers: Any,  # noqa: ANN401 -- a format
    small_folder: Path,
) -> None:
    evaluation = run(
        small_folder, Variant(numbers, CPU, "native"), Flipping(numbers, CPU, "native")
    )
    assert evaluation.identical is False
    sound, broken = evaluation.measurements
    assert sound.share.codes_sha256 != broken.share.codes_sha256


def test_a_bit_flipped_after_the_share_is_found_by_the_totals(small_folder: Path) -> None:
    # Two norms in each of two layers: once in the warm-up, then in two batches of the share.
    evaluation = run(
        small_folder, Variant(INT8, CPU, "native"), Flipping(INT8, CPU, "native", after=12)
    )
    sound, broken = evaluation.measurements
    assert sound.share == broken.share
    assert evaluation.identical is False


def test_one_implementation_alone_proves_nothing(small_folder: Path) -> None:
    evaluation = run(small_folder, Variant(FLOAT32, CPU), Variant(INT8, CPU, "native"))
    assert evaluation.identical is None
    assert [one.numbers for one in evaluation.comparisons] == ["int8 by token"]


def test_devices_are_compared_where_the_bits_are_the_same_everywhere(small_folder: Path) -> None:
    (measured,) = run(small_folder, Variant(INT8, CPU, "native")).measurements

    def on(numbers: Any, device: str, digest: str) -> Any:  # noqa: ANN401 -- of the same kind
        from dataclasses import replace  # noqa: PLC0415

        share = replace(measured.share, codes_sha256=digest)
        variant = Variant(numbers, torch.device(device), "native", whole=False)
        return replace(measured, variant=variant, share=share, total=share)

    def verdict(*measurements: Any) -> list[bool | None]:  # noqa: ANN401 -- of the same kind
        evaluation = Evaluation(Platform.CUDA, measurements, ())
        return [one.identical for one in evaluation.comparisons]

    assert verdict(on(INT8, "cuda", "a"), on(INT8, "cpu", "a")) == [True]
    assert verdict(on(INT8, "cuda", "a"), on(INT8, "cpu", "b")) == [False]
    assert verdict(on(BLOCK_FP8, "cuda", "a"), on(BLOCK_FP8, "cpu", "b")) == [None, None]


def test_on_a_gpu_what_is_the_same_everywhere_runs_on_the_cpu_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    providers = {"cpu": ["native", "reference"], "cuda": ["native", "reference"]}
    monkeypatch.setattr(
        "opparity.evaluation.variants._providers", lambda device: providers[device.type]
    )
    found = available_variants(torch.device("cuda"))
    places = [(one.numbers.name, one.device.type, one.provider, one.whole) for one in found]
    assert places == [
        ("float32", "cuda", None, True),
        ("bfloat16", "cuda", None, True),
        ("block FP8", "cuda", "native", True),
        ("block FP8", "cuda", "reference", False),
        ("exact block FP8", "cuda", "native", False),
        ("exact block FP8", "cpu", "native", False),
        ("MXFP8", "cuda", "native", True),
        ("MXFP8", "cuda", "reference", False),
        ("exact MXFP8", "cuda", "native", False),
        ("exact MXFP8", "cpu", "native", False),
        ("int8 by token", "cuda", "native", True),
        ("int8 by token", "cuda", "reference", False),
        ("int8 by token", "cpu", "native", False),
        ("int8 by token", "cpu", "reference", False),
    ]


def test_the_slow_ones_read_the_share_and_the_others_everything(small_folder: Path) -> None:
    watched = Watched()
    evaluation = evaluate(small_folder, text(), CPU, watcher=watched)
    slow = [one.variant.label for one in evaluation.measurements if one.total.tokens == 192]
    assert slow == [
        "block FP8, reference on cpu",
        "exact block FP8, native on cpu",
        "MXFP8, reference on cpu",
        "exact MXFP8, native on cpu",
        "int8 by token, reference on cpu",
    ]
    assert {one.total.tokens for one in evaluation.measurements} == {192, 448}
    assert {one.share.tokens for one in evaluation.measurements} == {192}
    assert watched.planned == [
        (one.variant.label, one.total.tokens) for one in evaluation.measurements
    ]
    assert watched.done == [tokens for _, tokens in watched.planned]
    for one in evaluation.measurements:
        assert one.tokens_per_second == 1 / one.seconds_per_token > 0
        assert one.seconds > 0


def test_the_bits_are_those_of_the_model_itself(small_folder: Path) -> None:
    (measured,) = run(small_folder, Variant(INT8, CPU, "native")).measurements
    windows = torch.cat((text().share, text().rest))
    with torch.inference_mode():
        bits = bits_of(read_model(small_folder, INT8)(inputs_for(windows)), windows)
    assert measured.total.bits_per_byte == pytest.approx(bits.mean().item(), rel=1e-12)


def test_a_model_is_read_once_for_all_providers(
    small_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(*given: Any) -> Any:  # noqa: ANN401 -- as it is given
        read.append(given[1].name)
        return read_model(*given)

    monkeypatch.setattr(evaluation_module, "read_model", counted)
    run(small_folder, Variant(INT8, CPU, "native"), Variant(INT8, CPU, "reference"))
    assert read == ["int8 by token"]
