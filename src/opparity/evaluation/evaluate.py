"""Runs the language model once for each way to compute its MLPs, and compares the bits.

Batch after batch, every variant has its turn, so that a machine that slows down slows all alike.
Implementations are compared on the share, the first tokens, which every one of them is run on.
All see the same batches, since a product of matrices may sum in another order in another shape.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Protocol

import torch

from opparity.evaluation.language_model import LanguageModel, bits_of, inputs_for
from opparity.evaluation.results import Evaluation, Measurement, Reading, Replay
from opparity.evaluation.variants import (
    BFLOAT16,
    UNFUSED,
    EvaluatedMlp,
    Mlps,
    Recorder,
    Variant,
    fused,
)
from opparity.operators.selection import Selected, decisions
from opparity.operators.torch_build import gpu_platform
from opparity.platforms import Platform

if TYPE_CHECKING:
    from torch import Tensor

    from opparity.evaluation.checkpoint import Checkpoint


class Watcher(Protocol):
    """Is told what runs and how far it is."""

    def begin(self, label: str, tokens: int) -> int:
        """Something has so many tokens to do; returns the number to name it by."""

    def advance(self, number: int, tokens: int) -> None:
        """So many of its tokens are done."""


@dataclass(frozen=True, slots=True)
class Text:
    """The windows to evaluate.

    Attributes:
        share: uint8 [windows, tokens], which every variant is run on.
        rest: uint8 [windows, tokens], which the quick variants are run on as well.
        batch: windows in a batch.
    """

    share: Tensor
    rest: Tensor
    batch: int

    def tokens(self, *, whole: bool) -> int:
        """Return how many tokens a variant is run on."""
        return self.share.numel() + (self.rest.numel() if whole else 0)


def platform_of(device: torch.device) -> Platform:
    """Return the platform of a device."""
    if device.type == "cpu":
        return Platform.CPU
    return gpu_platform() or Platform.CUDA


def available_variants(platform: Platform) -> list[Variant]:
    """Return the variants that can run on a platform: plain ones, then each implementation."""
    chosen = [one for one in decisions(platform) if isinstance(one, Selected)]
    return [BFLOAT16, UNFUSED, *(fused(one.implementation.provider) for one in chosen)]


@torch.inference_mode()
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
        replayed: fused variants whose step is run on the CPU on what the first fused one was
            given; by default the CPU's where the device is a GPU, and none where it is the CPU.
    """
    platform = platform_of(device)
    if variants is None:
        variants = available_variants(platform)
    if replayed is None:
        cpu = available_variants(Platform.CPU) if platform is not Platform.CPU else []
        replayed = [variant for variant in cpu if variant.mlps is Mlps.FUSED]
    model = checkpoint.model().to(device)
    runs = [_Run(model, checkpoint, variant, text, watcher) for variant in variants]
    expected = next((run for run in runs if run.variant.mlps is Mlps.FUSED), None)
    if expected is not None and replayed:
        expected.keeps_inputs = True
    for run in runs:
        run.warm_up(text.share[:1].to(device))
    for windows in torch.split(text.share, text.batch):
        for run in runs:
            run.read(windows.to(device), in_share=True)
    for windows in torch.split(text.rest, text.batch) if len(text.rest) else ():
        for run in runs:
            if run.variant.whole:
                run.read(windows.to(device), in_share=False)
    measurements = tuple(run.measurement() for run in runs)
    replays = () if expected is None else tuple(_replay(one, expected, watcher) for one in replayed)
    return Evaluation(platform, measurements, replays, tuple(decisions(platform)))


class _Run:
    """One variant on its way through the text."""

    def __init__(
        self,
        model: LanguageModel,
        checkpoint: Checkpoint,
        variant: Variant,
        text: Text,
        watcher: Watcher,
    ) -> None:
        self.model, self.variant, self.watcher = model, variant, watcher
        device = model.model.embed_tokens.weight.device
        self.recorder = Recorder(device)
        self.mlps = [
            EvaluatedMlp(weights, variant, self.recorder, device) for weights in checkpoint.mlps
        ]
        self.share, self.total = _Sums(), _Sums()
        # (tokens, seconds, seconds of the step) of each batch.
        self.times: list[tuple[int, float, float]] = []
        self.keeps_inputs = False
        self.inputs: list[Tensor] = []
        self.number = watcher.begin(variant.label, text.tokens(whole=variant.whole))

    def warm_up(self, windows: Tensor) -> None:
        """Start threads, libraries and the GPU's compiler, outside of the clock."""
        self._timed_logits(windows)
        self.recorder.take()

    def read(self, windows: Tensor, *, in_share: bool) -> None:
        """Run the model over a batch and keep what it gave and took."""
        logits, seconds = self._timed_logits(windows)
        calls, step_seconds = self.recorder.take()
        self.times.append((windows.numel(), seconds, step_seconds))
        bits = bits_of(logits, windows).sum().item()
        outputs = [tensor for _, tensors in calls for tensor in tensors]
        for sums in (self.total, self.share) if in_share else (self.total,):
            sums.add(windows.numel(), bits, outputs, logits)
        if self.keeps_inputs and in_share:
            self.inputs += [gate_up.cpu() for gate_up, _ in calls]
        self.watcher.advance(self.number, windows.numel())

    def measurement(self) -> Measurement:
        """Return what was measured."""
        with_operator = self.variant.mlps is Mlps.FUSED
        return Measurement(
            mlps=self.variant.mlps,
            provider=self.variant.provider,
            share=self.share.reading(with_operator=with_operator),
            total=self.total.reading(with_operator=with_operator),
            seconds=sum(seconds for _, seconds, _ in self.times),
            seconds_per_token=median(seconds / tokens for tokens, seconds, _ in self.times),
            step_seconds_per_token=median(step / tokens for tokens, _, step in self.times),
        )

    def _timed_logits(self, windows: Tensor) -> tuple[Tensor, float]:
        """Return the logits and the seconds they took."""
        for block, mlp in zip(self.model.blocks, self.mlps, strict=True):
            block.mlp = mlp
        tokens = inputs_for(windows)
        with self.variant.serving():
            _wait_for(windows.device)
            started = time.perf_counter()
            logits = self.model(tokens)
            _wait_for(windows.device)
            return logits, time.perf_counter() - started


def _replay(variant: Variant, expected: _Run, watcher: Watcher) -> Replay:
    """Run a variant's step on the CPU on what another run's operator was given."""
    number = watcher.begin(f"{variant.label}, replayed on the CPU", expected.share.tokens)
    digest = hashlib.sha256()
    with variant.serving():
        for gate_up in expected.inputs:
            for tensor in variant.step(gate_up):
                digest.update(_bytes(tensor))
            watcher.advance(number, expected.share.tokens // len(expected.inputs))
    same = digest.hexdigest() == expected.share.operator.hexdigest()
    return Replay(str(variant.provider), digest.hexdigest(), same)


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


def _wait_for(device: torch.device) -> None:
    """Return when the device has nothing left to do."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _bytes(tensor: Tensor) -> bytes:
    """Return a tensor's bytes in row-major order."""
    return tensor.contiguous().view(torch.uint8).cpu().numpy().tobytes()
