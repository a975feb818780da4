"""`opparity benchmark`: options in, a table out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from opparity.errors import BenchmarkRefused, OpparityError
from opparity.packages import require_for

if TYPE_CHECKING:
    from opparity.benchmark.measurement import Measurement


class BenchmarkFormat(StrEnum):
    """What `opparity benchmark --output-format` takes."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


class DeviceType(StrEnum):
    """Where to run; torch calls AMD's GPUs cuda too."""

    CPU = "cpu"
    CUDA = "cuda"


def benchmark(
    *,
    operator: Annotated[
        str | None, typer.Option(help="One general operator, such as silu_and_mul. Default: all.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="One recipe by its name, such as mxfp8. Default: all.")
    ] = None,
    device: Annotated[
        DeviceType | None, typer.Option(help="Default: the GPU if there is one.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few sizes only.")] = False,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Somebody else's function of values, input, scales and a Workload; repeatable.",
        ),
    ] = None,
    output_format: Annotated[
        BenchmarkFormat, typer.Option(help="How the figures are written.")
    ] = BenchmarkFormat.TEXT,
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png", help="Write how many bytes a second each way moves, as a picture."
        ),
    ] = None,
) -> None:
    """Time every implementation of operators beside a copy of the same bytes, and their peers.

    On a GPU a time is that of a call in a CUDA graph, with inputs from memory and not from the
    cache; all ways run in turns, and the median counts.
    """
    try:
        measurement = _measure(operator, recipe, device, quick, peer or [], plot)
    except OpparityError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    from opparity.benchmark import report, text  # noqa: PLC0415 -- quick --help

    write = {
        BenchmarkFormat.TEXT: text.to_text,
        BenchmarkFormat.MARKDOWN: report.to_markdown,
        BenchmarkFormat.JSON: report.to_json,
    }[output_format]
    typer.echo(write(measurement))
    if plot is not None:
        from opparity.benchmark import picture  # noqa: PLC0415 -- matplotlib takes half a second

        picture.write(measurement, plot)


def _measure(
    operator: str | None,
    recipe: str | None,
    device: DeviceType | None,
    quick: bool,
    references: list[str],
    plot: Path | None,
) -> Measurement:
    needed = ["torch", "numpy", *(["matplotlib"] if plot is not None else [])]
    require_for("benchmark", *needed)
    if plot is not None and not plot.resolve().parent.is_dir():
        detail = f"{plot}: its folder does not exist"
        raise BenchmarkRefused(detail=detail, remedy="make the folder, or name another")
    import torch  # noqa: PLC0415 -- `opparity --help` runs where there is none

    import opparity  # noqa: PLC0415
    from opparity.benchmark import measurement, peers  # noqa: PLC0415
    from opparity.benchmark.rows import operators, rows  # noqa: PLC0415
    from opparity.formats import RECIPES  # noqa: PLC0415

    for option, name, known in (
        ("--operator", operator, operators()),
        ("--recipe", recipe, list(RECIPES)),
    ):
        if name is not None and name not in known:
            detail = f"{option} {name!r} is unknown"
            raise BenchmarkRefused(detail=detail, remedy=f"choose one of: {', '.join(known)}")
    opparity.load()

    has_gpu = torch.cuda.is_available()
    if device is DeviceType.CUDA and not has_gpu:
        detail = "--device cuda: torch.cuda.is_available() is False"
        raise BenchmarkRefused(detail=detail, remedy="choose --device cpu")
    chosen = device or (DeviceType.CUDA if has_gpu else DeviceType.CPU)
    named = [peers.load_peer(reference) for reference in references]
    # The installed ones are GPU operators.
    installed, refused = peers.installed_peers() if chosen is DeviceType.CUDA else ([], {})
    listed = rows(chosen, quick=quick, operator=operator, recipe=recipe)
    if not listed:
        detail = f"no row is of {operator} with {recipe}"
        raise BenchmarkRefused(detail=detail, remedy="leave --operator or --recipe out")
    return measurement.measure(
        listed,
        chosen,
        peers=[*named, *installed],
        refused=refused,
        progress=lambda text: typer.echo(text, err=True),
    )
