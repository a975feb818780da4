"""What an evaluation found: frozen, and decided once, however it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.evaluation.variants import Mlps

if TYPE_CHECKING:
    from opparity.operators.selection import Decision
    from opparity.platforms import Platform


@dataclass(frozen=True, slots=True)
class Reading:
    """What some tokens gave.

    Attributes:
        tokens: how many; a token is a byte.
        bits_per_byte: the mean cost of a byte.
        operator_sha256: of all values and scales of the operator; None where it was not called.
        logits_sha256: of all logits.
    """

    tokens: int
    bits_per_byte: float
    operator_sha256: str | None
    logits_sha256: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a variant gave and cost.

    Attributes:
        mlps: how the MLPs were computed.
        provider: of the fused operator, None for the others.
        share: on the tokens that every variant was run on.
        total: on all tokens that this variant was run on.
        seconds: in the model, for `total`.
        seconds_per_token: in the model, the median of the batches.
        step_seconds_per_token: in activation and quantisation, all layers together, likewise.
    """

    mlps: Mlps
    provider: str | None
    share: Reading
    total: Reading
    seconds: float
    seconds_per_token: float
    step_seconds_per_token: float

    @property
    def tokens_per_second(self) -> float:
        """The model's speed."""
        return 1 / self.seconds_per_token

    @property
    def step_part(self) -> float:
        """Part of the model's time that activation and quantisation take."""
        return self.step_seconds_per_token / self.seconds_per_token


@dataclass(frozen=True, slots=True)
class Replay:
    """An implementation for the CPU, run on what the GPU's operator was given.

    Attributes:
        provider: its name.
        operator_sha256: of its values and scales on the share.
        identical: whether these are the GPU's.
    """

    provider: str
    operator_sha256: str
    identical: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that was measured.

    Attributes:
        platform: where the model ran.
        measurements: one for each variant, in order.
        replays: CPU implementations on the GPU's operator inputs; empty where the model ran on
            the CPU.
        decisions: which implementations could serve there, and why others could not.
    """

    platform: Platform
    measurements: tuple[Measurement, ...]
    replays: tuple[Replay, ...]
    decisions: tuple[Decision, ...]

    @property
    def fused(self) -> tuple[Measurement, ...]:
        """The measurements of the fused operator."""
        return tuple(one for one in self.measurements if one.mlps is Mlps.FUSED)

    @property
    def identical(self) -> bool | None:
        """Whether all implementations gave the same bits; None where there is but one.

        Those that were run on all tokens are compared on all of them.
        """
        if len(self.fused) + len(self.replays) <= 1:
            return None
        shares = {(one.share.operator_sha256, one.share.logits_sha256) for one in self.fused}
        totals = {
            (one.total.tokens, one.total.operator_sha256, one.total.logits_sha256)
            for one in self.fused
        }
        lengths = {one.total.tokens for one in self.fused}
        return (
            len(shares) == 1
            and len(totals) == len(lengths)
            and all(replay.identical for replay in self.replays)
        )
