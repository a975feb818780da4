"""What an evaluation found: frozen, and decided once, however it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.evaluation.variants import Variant
    from opparity.operators.selection import Decision
    from opparity.platforms import Platform


@dataclass(frozen=True, slots=True)
class Reading:
    """What some tokens gave.

    Attributes:
        tokens: how many; a token is a byte.
        bits_per_byte: the mean cost of a byte.
        codes_sha256: of all values and scales that quantised layers read; None without such.
        logits_sha256: of all logits.
    """

    tokens: int
    bits_per_byte: float
    codes_sha256: str | None
    logits_sha256: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a variant gave and cost.

    Attributes:
        variant: what was run.
        share: on the tokens that every variant was run on.
        total: on all tokens that this variant was run on.
        seconds: in the model, for `total`.
        seconds_per_token: in the model, the median of the batches.
    """

    variant: Variant
    share: Reading
    total: Reading
    seconds: float
    seconds_per_token: float

    @property
    def tokens_per_second(self) -> float:
        """The model's speed."""
        return 1 / self.seconds_per_token


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs that have to give the same bits.

    Attributes:
        numbers: the format's name.
        measurements: of the runs: the same format on one device, or on several where the format
            has the same bytes everywhere.
    """

    numbers: str
    measurements: tuple[Measurement, ...]

    @property
    def identical(self) -> bool | None:
        """Whether all gave the same bits; None where there is but one.

        Those that were run on all tokens are compared on all of them.
        """
        if len(self.measurements) == 1:
            return None
        shares = {(one.share.codes_sha256, one.share.logits_sha256) for one in self.measurements}
        totals = {
            (one.total.tokens, one.total.codes_sha256, one.total.logits_sha256)
            for one in self.measurements
        }
        lengths = {one.total.tokens for one in self.measurements}
        return len(shares) == 1 and len(totals) == len(lengths)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything that was measured.

    Attributes:
        platform: where the model ran.
        measurements: one for each variant, in order.
        decisions: which implementations could serve there, and why others could not.
    """

    platform: Platform
    measurements: tuple[Measurement, ...]
    decisions: tuple[Decision, ...]

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """The measurements of quantised formats, those together that have to be alike."""
        groups: dict[tuple[str, str], list[Measurement]] = {}
        for one in self.measurements:
            numbers, device = one.variant.numbers, one.variant.device
            if numbers.linear is not None:
                place = "everywhere" if numbers.same_everywhere else str(device)
                groups.setdefault((numbers.name, place), []).append(one)
        return tuple(Comparison(name, tuple(group)) for (name, _), group in groups.items())

    @property
    def identical(self) -> bool | None:
        """Whether all comparisons found the same bits; None where there was none to make."""
        verdicts = {one.identical for one in self.comparisons} - {None}
        return None if not verdicts else verdicts == {True}
