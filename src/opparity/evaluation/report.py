"""An evaluation as a table for people and as a JSON document for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from opparity.evaluation.variants import Mlps
from opparity.operators.selection import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from opparity.evaluation.results import Evaluation, Measurement, Reading

SCHEMA_VERSION = 1
VERDICTS = {
    True: "identical",
    False: "DIFFERENT",
    None: "one implementation alone: nothing to compare",
}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was evaluated, and where.

    Attributes:
        opparity: the package's version.
        torch: torch's.
        python: the version of the Python whose standard library was read.
        device: the name of the device.
        threads: CPU threads of torch.
        checkpoint_sha256: of the weights' file.
        parameters: of the model.
        training: what the checkpoint records of its training.
        files: how many held-out files the text comes from.
        window: bytes that the model reads at once.
        held_out_bytes: what those files hold in whole windows.
    """

    opparity: str
    torch: str
    python: str
    device: str
    threads: int
    checkpoint_sha256: str
    parameters: int
    training: Mapping[str, Any]
    files: int
    window: int
    held_out_bytes: int


def document(evaluation: Evaluation, circumstances: Circumstances) -> dict[str, Any]:
    """Return the evaluation as JSON's types."""
    return {
        "schema_version": SCHEMA_VERSION,
        **asdict(circumstances),
        "platform": str(evaluation.platform),
        "identical": evaluation.identical,
        "variants": [_variant(one) for one in evaluation.measurements],
        "replays": [
            {"platform": "cpu", **asdict(replay)} for replay in evaluation.replays
        ],
        "refused": [
            {"provider": one.implementation.provider, "reason": one.reason}
            for one in evaluation.decisions
            if isinstance(one, Refused)
        ],
    }


def _variant(measurement: Measurement) -> dict[str, Any]:
    """Return a measurement as JSON's types; the total's reading stands at the top."""
    return {
        "mlps": str(measurement.mlps),
        "provider": measurement.provider,
        **asdict(measurement.total),
        "tokens_per_second": measurement.tokens_per_second,
        "seconds": measurement.seconds,
        "activation_and_quantisation": {
            "seconds": measurement.step_seconds,
            "seconds_per_token": measurement.step_seconds_per_token,
            "part_of_time": measurement.step_part,
        },
        "share": asdict(measurement.share),
    }


def rendered(evaluation: Evaluation, circumstances: Circumstances) -> RenderableType:
    """Return the evaluation for a terminal."""
    where = f"{circumstances.device}, torch {circumstances.torch}"
    title = Text(
        f"{circumstances.parameters / 1e6:.1f} M parameters over source of Python "
        f"{circumstances.python} held out of training, on {where}"
    )
    return Group(title, _table(evaluation), *_notes(evaluation), _verdict(evaluation))


def _table(evaluation: Evaluation) -> Table:
    """Return one row for each variant."""
    table = Table()
    table.add_column("MLPs")
    table.add_column("implementation")
    for name in ("bytes", "bits per byte", "tokens/s", "activation +\nquantisation", "of time"):
        table.add_column(name, justify="right")
    table.add_column("operator's bits", justify="right")
    for one in evaluation.measurements:
        partial = one.total.tokens < evaluation.measurements[0].total.tokens
        table.add_row(
            str(one.mlps),
            one.provider or "PyTorch",
            f"{one.total.tokens:,}" + (" *" if partial else ""),
            f"{one.total.bits_per_byte:.5f}",
            f"{one.tokens_per_second:,.0f}",
            f"{one.step_seconds_per_token * 1e6:.3g} µs/token",
            f"{one.step_part:.1%}",
            _short(one.share),
        )
    return table


def _short(reading: Reading) -> str:
    """Return the beginning of the operator's digest, where it was called."""
    return "" if reading.operator_sha256 is None else reading.operator_sha256[:12]


def _notes(evaluation: Evaluation) -> list[Text]:
    """Return the lines that the table needs to be read rightly."""
    first = evaluation.measurements[0]
    notes = []
    for one in evaluation.measurements:
        if one.total.tokens < first.total.tokens:
            notes.append(
                Text(
                    f"* {one.provider} is slow, and was run on the first {one.share.tokens:,} "
                    f"bytes alone; there {first.mlps} costs {first.share.bits_per_byte:.5f} "
                    f"bits per byte."
                )
            )
    for decision in evaluation.decisions:
        if isinstance(decision, Refused):
            provider = decision.implementation.provider
            notes.append(Text(f"{provider} does not serve {evaluation.platform}: {decision.reason}"))
    return notes


def _verdict(evaluation: Evaluation) -> Text:
    """Return whether the implementations agree, and on how much."""
    identical = evaluation.identical
    names = [str(one.provider) for one in evaluation.fused]
    names += [f"{replay.provider} replayed on the CPU" for replay in evaluation.replays]
    style = {True: "bold green", False: "bold red", None: "bold yellow"}[identical]
    text = Text(f"{Mlps.FUSED}, {', '.join(names) or 'no implementation'}: ")
    text.append(VERDICTS[identical], style=style)
    if identical is not None:
        share = evaluation.fused[0].share
        text.append(
            f" in every value, scale and logit of the first {share.tokens:,} bytes "
            f"(SHA-256 of the operator's outputs {_short(share)}…, of the logits "
            f"{share.logits_sha256[:12]}…)"
            if identical
            else f" on the first {share.tokens:,} bytes: compare the digests (--json has them whole)"
        )
    return text
