"""`opparity benchmark`: options in, a table out."""

from __future__ import annotations

from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path  # noqa: TC003 -- typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from opparity.errors import BenchmarkRefused, OpparityError, PackagesMissing

if TYPE_CHECKING:
    from opparity.benchmark.measurement import Measurement
    from opparity.operators.declaration import Operator


class BenchmarkFormat(StrEnum):
    """What `opparity benchmark --output-format` takes."""

    MARKDOWN = "markdown"
    JSON = "json"


class DeviceType(StrEnum):
    """Where to run; torch calls AMD's GPUs cuda too."""

    CPU = "cpu"
    CUDA = "cuda"


def benchmark(
    *,
    operator: Annotated[
        str | None, typer.Option(help="One operator of `opparity doctor`. Default: the first.")
    ] = None,
    device: Annotated[
        DeviceType | None, typer.Option(help="Default: the GPU if there is one.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few sizes only.")] = False,
    peer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Somebody else's function with the operator's arguments; repeatable.",
        ),
    ] = None,
    output_format: Annotated[
        BenchmarkFormat, typer.Option(help="How the figures are written.")
    ] = BenchmarkFormat.MARKDOWN,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Write a roofline as a picture.")
    ] = None,
) -> None:
    """Time every implementation of an operator beside a copy of the same bytes, and its peers.

    On a GPU a time is that of a call in a CUDA graph, with inputs from memory and not from the
    cache; all ways run in turns, and the median counts.
    """
    try:
        measurement = _measure(operator, device, quick, peer or [], plot)
    except OpparityError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    from opparity.benchmark import report  # noqa: PLC0415 -- quick --help

    is_json = output_format is BenchmarkFormat.JSON
    typer.echo(report.to_json(measurement) if is_json else report.to_markdown(measurement))
    if plot is not None:
        report.plot(measurement, plot)


def _measure(
    name: str | None,
    device: DeviceType | None,
    quick: bool,
    references: list[str],
    plot: Path | None,
) -> Measurement:
    needed = ["torch", "numpy", *(["matplotlib"] if plot is not None else [])]
    missing = [package for package in needed if find_spec(package) is None]
    if missing:
        raise PackagesMissing(command="benchmark", packages=", ".join(missing))
    if plot is not None and not plot.resolve().parent.is_dir():
        detail = f"{plot}: its folder does not exist"
        raise BenchmarkRefused(detail=detail, remedy="make the folder, or name another")
    import torch  # noqa: PLC0415 -- `opparity --help` runs where there is none

    from opparity.benchmark import measurement, peers  # noqa: PLC0415

    has_gpu = torch.cuda.is_available()
    if device is DeviceType.CUDA and not has_gpu:
        detail = "--device cuda: torch.cuda.is_available() is False"
        raise BenchmarkRefused(detail=detail, remedy="choose --device cpu")
    chosen = device or (DeviceType.CUDA if has_gpu else DeviceType.CPU)
    named = [peers.load_peer(reference) for reference in references]
    # The installed ones are GPU operators.
    installed, refused = peers.installed_peers() if chosen is DeviceType.CUDA else ([], {})
    return measurement.measure(
        _operator(name),
        chosen,
        quick=quick,
        peers=[*named, *installed],
        refused=refused,
        progress=lambda text: typer.echo(text, err=True),
    )


def _operator(name: str | None) -> Operator:
    from opparity.operators import OPERATORS  # noqa: PLC0415 -- quick --help

    known = {operator.name: operator for operator in OPERATORS}
    if name is None:
        return OPERATORS[0]
    if name not in known:
        detail = f"--operator {name!r} is unknown"
        raise BenchmarkRefused(detail=detail, remedy=f"choose one of: {', '.join(known)}")
    return known[name]
