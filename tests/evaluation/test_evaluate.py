from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

from opparity.evaluation.evaluate import Text, available_variants, evaluate
from opparity.evaluation.language_model import bits_of, inputs_for
from opparity.evaluation.variants import (
    BFLOAT16,
    UNFUSED,
    Mlps,
    Variant,
    fused,
    fused_step,
    unfused_step,
)
from opparity.platforms import Platform

if TYPE_CHECKING:
    from opparity.evaluation.checkpoint import Checkpoint
    from opparity.evaluation.results import Evaluation

CPU = torch.device("cpu")


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


def run(
    checkpoint: Checkpoint, variants: list[Variant], replayed: list[Variant] | None = None
) -> Evaluation:
    return evaluate(
        checkpoint, text(), CPU, watcher=Watched(), variants=variants, replayed=replayed
    )


def flipping(*, after: int) -> Variant:
    """The native operator with one bit of one value flipped in every call after the first few."""
    calls = 0

    def step(gate_up: Tensor) -> tuple[Tensor, ...]:
        nonlocal calls
        calls += 1
        values, scales = fused_step(gate_up)
        if calls > after:
            values.view(torch.uint8)[-1, -1, -1] ^= 1
        return values, scales

    return replace(fused("native", step=step))


def test_all_implementations_of_this_machine_give_identical_bits(
    small_checkpoint: Checkpoint,
) -> None:
    variants = available_variants(Platform.CPU)
    evaluation = run(small_checkpoint, variants)
    assert {one.provider for one in evaluation.fused} >= {"native", "reference"}
    assert evaluation.identical is True
    assert len({one.share.operator_sha256 for one in evaluation.fused}) == 1
    assert len({one.share.logits_sha256 for one in evaluation.fused}) == 1
    assert len({one.share.bits_per_byte for one in evaluation.fused}) == 1


def test_a_single_flipped_bit_of_the_operator_is_found(small_checkpoint: Checkpoint) -> None:
    evaluation = run(small_checkpoint, [fused("native"), flipping(after=0)])
    assert evaluation.identical is False
    sound, broken = evaluation.fused
    assert sound.share.operator_sha256 != broken.share.operator_sha256


def test_a_bit_flipped_after_the_share_is_found_by_the_totals(
    small_checkpoint: Checkpoint,
) -> None:
    # Two layers: one call each in the warm-up, then two batches of the share, then the rest.
    evaluation = run(small_checkpoint, [fused("native"), flipping(after=6)])
    sound, broken = evaluation.fused
    assert sound.share == broken.share
    assert evaluation.identical is False


def test_one_implementation_alone_proves_nothing(small_checkpoint: Checkpoint) -> None:
    assert run(small_checkpoint, [BFLOAT16, fused("native")]).identical is None


def test_a_replay_on_the_cpu_compares_the_operator_on_recorded_inputs(
    small_checkpoint: Checkpoint,
) -> None:
    replayed = [fused("native"), fused("reference"), flipping(after=0)]
    evaluation = run(small_checkpoint, [fused("native")], replayed)
    assert [replay.identical for replay in evaluation.replays] == [True, True, False]
    assert evaluation.identical is False
    (measured,) = evaluation.fused
    assert evaluation.replays[1].operator_sha256 == measured.share.operator_sha256


def test_the_slow_reference_reads_the_share_and_the_others_everything(
    small_checkpoint: Checkpoint,
) -> None:
    watched = Watched()
    variants = [BFLOAT16, UNFUSED, fused("native"), fused("reference")]
    evaluation = evaluate(small_checkpoint, text(), CPU, watcher=watched, variants=variants)
    assert [one.total.tokens for one in evaluation.measurements] == [448, 448, 448, 192]
    assert {one.share.tokens for one in evaluation.measurements} == {192}
    assert watched.planned == [
        ("bfloat16", 448),
        ("unfused FP8", 448),
        ("fused FP8, native", 448),
        ("fused FP8, reference", 192),
    ]
    assert watched.done == [tokens for _, tokens in watched.planned]


def test_speeds_and_parts_are_positive_and_consistent(small_checkpoint: Checkpoint) -> None:
    for one in run(small_checkpoint, [BFLOAT16, UNFUSED, fused("native")]).measurements:
        assert one.tokens_per_second == 1 / one.seconds_per_token > 0
        assert 0 < one.step_seconds_per_token < one.seconds_per_token
        assert 0 < one.step_part < 1
        assert one.seconds > 0


def test_only_the_fused_operator_has_a_digest(small_checkpoint: Checkpoint) -> None:
    evaluation = run(small_checkpoint, [BFLOAT16, UNFUSED, fused("native")])
    digests = {one.mlps: one.total.operator_sha256 for one in evaluation.measurements}
    assert digests[Mlps.BFLOAT16] is None
    assert digests[Mlps.UNFUSED] is None
    assert len(str(digests[Mlps.FUSED])) == 64


def test_the_bfloat16_variant_costs_what_the_model_itself_does(
    small_checkpoint: Checkpoint,
) -> None:
    (measured,) = run(small_checkpoint, [BFLOAT16]).measurements
    windows = torch.cat((text().share, text().rest))
    with torch.inference_mode():
        bits = bits_of(small_checkpoint.model()(inputs_for(windows)), windows)
    # The MLPs round to bfloat16 where the model keeps float32; nothing else differs.
    assert measured.total.bits_per_byte == pytest.approx(bits.mean().item(), rel=2e-3)


def test_the_fused_step_is_the_unfused_one_up_to_rounding() -> None:
    gate_up = torch.randn(4, 6, 512, generator=torch.Generator().manual_seed(8)).bfloat16()
    values, scales = fused_step(gate_up)
    unfused_values, unfused_scales = unfused_step(gate_up)
    assert values.shape == (4, 6, 256)
    # The unfused step rounds SiLU and the product to bfloat16's eight places before it scales.
    assert torch.allclose(scales, unfused_scales, rtol=2**-6)
    distance = (values.view(torch.int8).int() - unfused_values.view(torch.int8).int()).abs()
    assert int(distance.max()) <= 1
    assert float((distance == 0).float().mean()) > 0.8
