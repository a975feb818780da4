"""An evaluation as a table for people and as a JSON document for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from opparity.operators.selection import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from opparity.evaluation.results import Comparison, Evaluation, Measurement

SCHEMA_VERSION = 2
VERDICTS = {
    True: ("are identical", "bold green"),
    False: ("are DIFFERENT", "bold red"),
    None: ("alone, nothing to compare", "bold yellow"),
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
        share_sha256: of the bytes on which every variant is run.
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
    share_sha256: str


def document(evaluation: Evaluation, circumstances: Circumstances) -> dict[str, Any]:
    """Return the document that docs/schemas/evaluate.schema.json describes."""
    return {
        "schema_version": SCHEMA_VERSION,
        **asdict(circumstances),
        "platform": str(evaluation.platform),
        "identical": evaluation.identical,
        "variants": [_variant(one) for one in evaluation.measurements],
        "comparisons": [
            {
                "numbers": one.numbers,
                "runs": [_place(measured) for measured in one.measurements],
                "identical": one.identical,
            }
            for one in evaluation.comparisons
        ],
        "refused": [
            {"provider": one.implementation.provider, "reason": one.reason}
            for one in evaluation.decisions
            if isinstance(one, Refused)
        ],
    }


def _variant(measurement: Measurement) -> dict[str, Any]:
    """Return a measurement as JSON's types; the total's reading stands at the top."""
    variant = measurement.variant
    return {
        "numbers": variant.numbers.name,
        "same_everywhere": variant.numbers.same_everywhere,
        "provider": variant.provider,
        "device": variant.device.type,
        **asdict(measurement.total),
        "tokens_per_second": measurement.tokens_per_second,
        "seconds": measurement.seconds,
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
    notes = _notes(evaluation, circumstances)
    return Group(heading, _table(evaluation), *notes, _verdict(evaluation))


def _table(evaluation: Evaluation) -> Table:
    """Return one row for each variant, within 60 columns where names of formats are broken."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("numbers")
    table.add_column("by", no_wrap=True)
    for name in ("bits/\nbyte", "tokens\n/s", "codes\nSHA-256", "logits\nSHA-256"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in evaluation.measurements:
        codes = one.share.codes_sha256
        table.add_row(
            one.variant.numbers.name,
            _by(one, evaluation) + ("*" if _partial(one, evaluation) else ""),
            f"{one.total.bits_per_byte:.5f}",
            f"{one.tokens_per_second:,.0f}",
            "" if codes is None else codes[:8],
            one.share.logits_sha256[:8],
        )
    return table


def _by(measurement: Measurement, evaluation: Evaluation) -> str:
    """Return who quantised, and where if that is another device than the heading's."""
    variant, first = measurement.variant, evaluation.measurements[0].variant
    if variant.provider is None:
        return "PyTorch"
    return variant.provider if variant.device == first.device else _place(measurement)


def _place(measurement: Measurement) -> str:
    """Return who quantised, and where."""
    variant = measurement.variant
    return f"{variant.provider or 'PyTorch'} on {variant.device.type}"


def _partial(measurement: Measurement, evaluation: Evaluation) -> bool:
    """Return whether a variant was run on the share alone, others on more."""
    return measurement.total.tokens < evaluation.measurements[0].total.tokens


def _notes(evaluation: Evaluation, circumstances: Circumstances) -> list[Text]:
    """Return the lines that the table needs to be read rightly."""
    first = evaluation.measurements[0]
    lines = []
    if any(_partial(one, evaluation) for one in evaluation.measurements):
        lines.append(
            f"* read the first {first.share.tokens:,} bytes alone, where "
            f"{first.variant.numbers.name} needs {first.share.bits_per_byte:.5f} bits per byte."
        )
    everywhere, here = _names(evaluation, everywhere=True), _names(evaluation, everywhere=False)
    if everywhere:
        lines.append(
            f"The SHA-256 of {everywhere} are those of every machine, for this text "
            f"({circumstances.share_sha256[:8]})."
        )
    if here:
        lines.append(
            f"Those of {here} are this machine's, since torch's products of matrices add up in "
            "another order elsewhere."
        )
    lines += [
        f"{one.implementation.provider} does not serve {evaluation.platform}: {one.reason}"
        for one in evaluation.decisions
        if isinstance(one, Refused)
    ]
    return [Text(line) for line in lines]


def _names(evaluation: Evaluation, *, everywhere: bool) -> str:
    """Return the formats whose bytes are those of every machine, or the others.

    Those of which two runs differ here are neither.
    """
    differ = {one.numbers for one in evaluation.comparisons if one.identical is False}
    formats = [one.variant.numbers for one in evaluation.measurements]
    names = dict.fromkeys(one.name for one in formats if one.same_everywhere is everywhere)
    return _joined([name for name in names if name not in differ])


def _joined(names: list[str]) -> str:
    """Return names as a sentence has them."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def _verdict(evaluation: Evaluation) -> Text:
    """Return which runs agree, and on how much; formats with the same answer share a line."""
    groups: dict[tuple[str, bool | None], list[Comparison]] = {}
    for one in evaluation.comparisons:
        runs = _joined([_place(measured) for measured in one.measurements])
        groups.setdefault((runs, one.identical), []).append(one)
    text = Text()
    for (runs, identical), comparisons in groups.items():
        text.append(f"{_joined([one.numbers for one in comparisons])}: {runs} ")
        text.append(*VERDICTS[identical])
        if identical is True:
            share = comparisons[0].measurements[0].share
            text.append(f" in every code, scale and logit of the first {share.tokens:,} bytes")
        elif identical is False:
            text.append("; --output-format json has the digests of each, on the share and in total")
        text.append("\n")
    text.rstrip()
    return text
