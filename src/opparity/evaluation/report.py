"""An evaluation as a table for people and as a JSON document for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from opparity.evaluation.variants import Mlps
from opparity.operators.selection import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from opparity.evaluation.results import Evaluation, Measurement

SCHEMA_VERSION = 1
VERDICTS = {
    True: ("identical", "bold green"),
    False: ("DIFFERENT", "bold red"),
    None: ("nothing to compare", "bold yellow"),
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
    """Return the document that docs/schemas/evaluate.schema.json describes."""
    return {
        "schema_version": SCHEMA_VERSION,
        **asdict(circumstances),
        "platform": str(evaluation.platform),
        "identical": evaluation.identical,
        "variants": [_variant(one) for one in evaluation.measurements],
        "replays": [{"platform": "cpu", **asdict(replay)} for replay in evaluation.replays],
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
            "seconds_per_token": measurement.step_seconds_per_token,
            "part_of_time": measurement.step_part,
        },
        "share": asdict(measurement.share),
    }


def rendered(evaluation: Evaluation, circumstances: Circumstances) -> RenderableType:
    """Return the evaluation for a terminal."""
    total = evaluation.measurements[0].total.tokens
    heading = Text(
        f"A language model of {circumstances.parameters / 1e6:.1f} M parameters reads {total:,} "
        f"bytes of {circumstances.files} files of Python {circumstances.python}'s standard "
        f"library that its training held out.\n"
        f"{circumstances.device}, torch {circumstances.torch}"
    )
    return Group(heading, _table(evaluation), *_notes(evaluation), _verdict(evaluation))


def _table(evaluation: Evaluation) -> Table:
    """Return one row for each variant, within 80 columns."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("MLPs", no_wrap=True)
    table.add_column("by", no_wrap=True)
    for name in (
        "bits/\nbyte",
        "tokens/s",
        "SiLU·mul,\nquantise,\nµs/token",
        "of the\ntime",
        "operator\nSHA-256",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    for one in evaluation.measurements:
        digest = one.share.operator_sha256
        table.add_row(
            str(one.mlps),
            (one.provider or "PyTorch") + ("*" if _partial(one, evaluation) else ""),
            f"{one.total.bits_per_byte:.5f}",
            f"{one.tokens_per_second:,.0f}",
            f"{_microseconds(one.step_seconds_per_token)}",
            f"{one.step_part:.1%}",
            "" if digest is None else digest[:8],
        )
    return table


def _partial(measurement: Measurement, evaluation: Evaluation) -> bool:
    """Return whether a variant was run on the share alone, others on more."""
    return measurement.total.tokens < evaluation.measurements[0].total.tokens


def _notes(evaluation: Evaluation) -> list[Text]:
    """Return the lines that the table needs to be read rightly."""
    first = evaluation.measurements[0]
    partial = [
        f"* {one.provider} is slow: it read the first {one.share.tokens:,} bytes alone, where "
        f"{first.mlps} needs {first.share.bits_per_byte:.5f} bits per byte."
        for one in evaluation.measurements
        if _partial(one, evaluation)
    ]
    refused = [
        f"{one.implementation.provider} does not serve {evaluation.platform}: {one.reason}"
        for one in evaluation.decisions
        if isinstance(one, Refused)
    ]
    return [Text(line) for line in (*partial, *refused)]


def _verdict(evaluation: Evaluation) -> Text:
    """Return whether the implementations agree, and on how much."""
    names = [str(one.provider) for one in evaluation.fused]
    names += [f"{replay.provider} (replayed on the CPU)" for replay in evaluation.replays]
    identical = evaluation.identical
    text = Text(f"{Mlps.FUSED} by {', '.join(names) or 'no implementation'}: ")
    text.append(*VERDICTS[identical])
    if identical is not None:
        share = evaluation.fused[0].share
        text.append(
            f" in every value, scale and logit of the first {share.tokens:,} bytes"
            if identical
            else "; --output-format json has the digests of each, on the share and in total"
        )
    return text


def _microseconds(seconds: float) -> str:
    """Return a time in microseconds, with three digits or all before the point."""
    number = seconds * 1e6
    places = 0 if number >= 100 else 1 if number >= 10 else 2 if number >= 1 else 4  # noqa: PLR2004
    return f"{number:,.{places}f}"
