"""Runs the language model once for each way to compute its MLPs, and compares the bits.

Implementations are compared on the first tokens, the share that every one of them is run on; the
batches are the same for all, since a product of matrices may sum in another order in another shape.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from opparity.evaluation.language_model import LanguageModel, bits_of, inputs_for
from opparity.evaluation.results import Evaluation, Measurement, Reading, Replay
from opparity.evaluation.variants import BFLOAT16, UNFUSED, Mlps, Recorder, Variant, fused, install
from opparity.operators import OPERATORS
from opparity.operators.selection import Selected, decisions
from opparity.operators.torch_build import gpu_platform
from opparity.platforms import Platform

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.evaluation.checkpoint import Checkpoint

OPERATOR = next(row for row in OPERATORS if row.name == "silu_and_mul_per_block_quant")


class Watcher(Protocol):
    """Is told what runs and how far it is."""

    def begin(self, label: str, tokens: int) -> None:
        """Something starts that has so many tokens to do."""

    def advance(self, tokens: int) -> None:
        """So many of them are done."""


def platform_of(device: torch.device) -> Platform:
    """Return the platform of a device."""
    if device.type == "cpu":
        return Platform.CPU
    return gpu_platform() or Platform.CUDA


def available_variants(platform: Platform) -> list[Variant]:
    """Return the variants that can run on a platform: plain ones, then each implementation."""
    chosen = [one for one in decisions(OPERATOR, platform) if isinstance(one, Selected)]
    return [BFLOAT16, UNFUSED, *(fused(one.implementation.provider) for one in chosen)]


@dataclass(frozen=True, slots=True)
class Text:
    """The windows to evaluate, in batches.

    Attributes:
        share: uint8 [windows, tokens], which every variant is run on.
        rest: uint8 [windows, tokens], which the quick variants are run on as well.
        batch: windows in a batch.
    """

    share: Tensor
    rest: Tensor
    batch: int

    def batches(self, *, whole: bool) -> list[tuple[Tensor, bool]]:
        """Return (windows, whether they belong to the share), never mixed in one batch."""
        parts = [(part, True) for part in torch.split(self.share, self.batch)]
        if whole and len(self.rest):
            parts += [(part, False) for part in torch.split(self.rest, self.batch)]
        return parts

    def tokens(self, *, whole: bool) -> int:
        """Return how many tokens a variant is run on."""
        return self.share.numel() + (self.rest.numel() if whole else 0)


def evaluate(
    checkpoint: Checkpoint,
    text: Text,
    device: torch.device,
    *,
    watcher: Watcher,
    variants: list[Variant] | None = None,
    replayed: list[Variant] | None = None,
) -> Evaluation:
    """Run every variant over the text on a device.

    Args:
        checkpoint: the model.
        text: its windows, on the CPU.
        device: where the model runs.
        watcher: is told of progress.
        variants: those to run; by default all that can run there.
        replayed: those whose step is run on the CPU on the operator's inputs; by default the
            CPU's implementations where the device is a GPU, and none where it is the CPU.
    """
    platform = platform_of(device)
    if variants is None:
        variants = available_variants(platform)
    if replayed is None:
        cpu = available_variants(Platform.CPU) if platform is not Platform.CPU else []
        replayed = [variant for variant in cpu if variant.mlps is Mlps.FUSED]
    model = checkpoint.model().to(device)
    measurements: list[Measurement] = []
    inputs: list[Tensor] = []
    for variant in variants:
        keep = inputs if replayed and variant.mlps is Mlps.FUSED and not inputs else None
        measurements.append(measure(model, checkpoint, variant, text, watcher, keep=keep))
    replays = []
    expected = next((one for one in measurements if one.mlps is Mlps.FUSED), None)
    if expected is not None:
        for variant in replayed:
            digest = replay(variant, inputs, text.share.numel(), watcher)
            same = digest == expected.share.operator_sha256
            replays.append(Replay(str(variant.provider), digest, same))
    return Evaluation(
        platform, tuple(measurements), tuple(replays), tuple(decisions(OPERATOR, platform))
    )


@torch.inference_mode()
def measure(
    model: LanguageModel,
    checkpoint: Checkpoint,
    variant: Variant,
    text: Text,
    watcher: Watcher,
    *,
    keep: list[Tensor] | None = None,
) -> Measurement:
    """Run one variant; `keep`, where given, receives the operator's inputs on the share."""
    device = model.model.embed_tokens.weight.device
    recorder = Recorder(device)
    install(model, checkpoint, variant, recorder)
    share, total = _Sums(), _Sums()
    seconds = step_seconds = 0.0
    watcher.begin(variant.label, text.tokens(whole=variant.whole))
    with variant.serving():
        # A first window starts threads, libraries and the GPU's compiler outside of the clock.
        model(inputs_for(text.share[:1].to(device)))
        _wait_for(device)
        recorder.take()
        for windows, in_share in text.batches(whole=variant.whole):
            logits, spent = _timed(model, windows.to(device))
            calls, step_spent = recorder.take()
            seconds, step_seconds = seconds + spent, step_seconds + step_spent
            costs = bits_of(logits, windows.to(device)).sum().item()
            outputs = [tensor for _, tensors in calls for tensor in tensors]
            for sums in (total, share) if in_share else (total,):
                sums.add(windows.numel(), costs, outputs, logits)
            if in_share and keep is not None:
                keep.extend(gate_up.cpu() for gate_up, _ in calls)
            watcher.advance(windows.numel())
    fused_operator = variant.mlps is Mlps.FUSED
    return Measurement(
        variant.mlps,
        variant.provider,
        share.reading(with_operator=fused_operator),
        total.reading(with_operator=fused_operator),
        seconds,
        step_seconds,
    )


@torch.inference_mode()
def replay(variant: Variant, inputs: list[Tensor], tokens: int, watcher: Watcher) -> str:
    """Run a variant's step on recorded inputs on the CPU; return the SHA-256 of its outputs."""
    watcher.begin(f"{variant.label}, replayed on the CPU", tokens)
    digest = hashlib.sha256()
    with variant.serving():
        for gate_up in inputs:
            for tensor in variant.step(gate_up):
                digest.update(_bytes(tensor))
            watcher.advance(tokens // len(inputs))
    return digest.hexdigest()


class _Sums:
    """Adds up batches to a reading."""

    def __init__(self) -> None:
        self.tokens = 0
        self.bits = 0.0
        self.operator = hashlib.sha256()
        self.logits = hashlib.sha256()

    def add(self, tokens: int, bits: float, outputs: list[Tensor], logits: Tensor) -> None:
        """Add a batch."""
        self.tokens += tokens
        self.bits += bits
        for tensor in outputs:
            self.operator.update(_bytes(tensor))
        self.logits.update(_bytes(logits))

    def reading(self, *, with_operator: bool) -> Reading:
        """Return what was added up."""
        operator = self.operator.hexdigest() if with_operator else None
        return Reading(self.tokens, self.bits / self.tokens, operator, self.logits.hexdigest())


def _timed(model: LanguageModel, windows: Tensor) -> tuple[Tensor, float]:
    """Return the logits and the seconds they took."""
    tokens = inputs_for(windows)
    _wait_for(windows.device)
    started = time.perf_counter()
    logits = model(tokens)
    _wait_for(windows.device)
    return logits, time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    """Return when the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _bytes(tensor: Tensor) -> bytes:
    """Return a tensor's bytes in row-major order."""
    return tensor.contiguous().view(torch.uint8).cpu().numpy().tobytes()
