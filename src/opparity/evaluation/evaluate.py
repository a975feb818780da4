"""Runs the language model once for each variant, and compares the bits.

Batch after batch, every variant has its turn, so that a machine that slows down slows all alike.
Implementations are compared on the share, the first tokens, which every one of them is run on.
All see the same batches, since a product of matrices may sum in another order in another shape.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Protocol

import torch

from opparity.evaluation.checkpoint import read_model
from opparity.evaluation.language_model import LanguageModel, bits_of, inputs_for
from opparity.evaluation.results import Evaluation, Measurement, Reading
from opparity.evaluation.variants import (
    Recorder,
    Variant,
    available_variants,
    timed,
)
from opparity.operators.selection import decisions
from opparity.operators.torch_build import platform_of

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from opparity.evaluation.number_formats import NumberFormat


# Tokens; what is started takes no more of them.
_WARM_UP = 16


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


@torch.inference_mode()
def evaluate(
    folder: Path,
    text: Text,
    device: torch.device,
    *,
    watcher: Watcher,
    variants: list[Variant] | None = None,
) -> Evaluation:
    """Run every variant over the text.

    Args:
        folder: of the model.
        text: its windows, on the CPU.
        device: where the model runs.
        watcher: is told of progress.
        variants: those to run; by default all that can.
    """
    if variants is None:
        variants = available_variants(device)
    models: dict[tuple[NumberFormat, torch.device], tuple[LanguageModel, Recorder]] = {}
    runs = []
    for variant in variants:
        key = variant.numbers, variant.device
        if key not in models:
            models[key] = read_model(folder, *key), Recorder()
            models[key][1].watch(models[key][0])
        runs.append(_Run(variant, *models[key], text, watcher))
    for run in runs:
        run.warm_up(text.share[:1, :_WARM_UP])
    for windows in torch.split(text.share, text.batch):
        for run in runs:
            run.read(windows, in_share=True)
    for windows in torch.split(text.rest, text.batch) if len(text.rest) else ():
        for run in runs:
            if run.variant.whole:
                run.read(windows, in_share=False)
    platform = platform_of(device.type)
    measurements = tuple(run.measurement() for run in runs)
    return Evaluation(platform, measurements, tuple(decisions(platform)))


class _Run:
    """One variant on its way through the text."""

    def __init__(
        self,
        variant: Variant,
        model: LanguageModel,
        recorder: Recorder,
        text: Text,
        watcher: Watcher,
    ) -> None:
        self.variant, self.model, self.recorder, self.watcher = variant, model, recorder, watcher
        self.share, self.total = _Sums(), _Sums()
        # (tokens, seconds) of each batch.
        self.times: list[tuple[int, float]] = []
        self.number = watcher.begin(variant.label, text.tokens(whole=variant.whole))

    def warm_up(self, windows: Tensor) -> None:
        """Start threads, libraries and the GPU's compiler, outside of the clock."""
        self._timed_logits(windows.to(self.variant.device))
        self.recorder.take()

    def read(self, windows: Tensor, *, in_share: bool) -> None:
        """Run the model over a batch and keep what it gave and took."""
        windows = windows.to(self.variant.device)
        logits, seconds = self._timed_logits(windows)
        codes = self.recorder.take()
        self.times.append((windows.numel(), seconds))
        bits = bits_of(logits, windows).sum().item()
        for sums in (self.total, self.share) if in_share else (self.total,):
            sums.add(windows.numel(), bits, codes, logits)
        self.watcher.advance(self.number, windows.numel())

    def measurement(self) -> Measurement:
        """Return what was measured."""
        return Measurement(
            variant=self.variant,
            share=self.share.reading(),
            total=self.total.reading(),
            seconds=sum(seconds for _, seconds in self.times),
            seconds_per_token=median(seconds / tokens for tokens, seconds in self.times),
        )

    def _timed_logits(self, windows: Tensor) -> tuple[Tensor, float]:
        """Return the logits and the seconds they took."""
        with self.variant.serving():
            return timed(self.model, inputs_for(windows))


class _Sums:
    """Adds up batches to a reading."""

    def __init__(self) -> None:
        self.tokens = 0
        self.bits = 0.0
        self.codes = hashlib.sha256()
        self.logits = hashlib.sha256()
        self.has_codes = False

    def add(self, tokens: int, bits: float, codes: list[Tensor], logits: Tensor) -> None:
        """Add a batch."""
        self.tokens += tokens
        self.bits += bits
        for tensor in codes:
            self.codes.update(_bytes(tensor))
        self.has_codes |= bool(codes)
        self.logits.update(_bytes(logits))

    def reading(self) -> Reading:
        """Return what was added up."""
        codes = self.codes.hexdigest() if self.has_codes else None
        return Reading(self.tokens, self.bits / self.tokens, codes, self.logits.hexdigest())


def _bytes(tensor: Tensor) -> bytes:
    """Return a tensor's bytes in row-major order."""
    return tensor.contiguous().view(torch.uint8).cpu().numpy().tobytes()
