"""The command `opparity evaluate`; what it needs is imported when it runs."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 -- typer reads the annotation
from typing import TYPE_CHECKING, Annotated

import typer

from opparity.output_formats import FormerJson, ListFormat, list_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from opparity.evaluation.evaluate import Watcher

NEEDED = ("torch", "numpy", "safetensors")


def evaluate(
    *,
    num_bytes: Annotated[
        int | None,
        typer.Option("--bytes", min=1, help="Bytes to evaluate; 24576 on a CPU, all on a GPU."),
    ] = None,
    files: Annotated[
        int | None, typer.Option(min=1, help="Take them from this many held-out files alone.")
    ] = None,
    share: Annotated[
        int | None,
        typer.Option(
            min=1, help="Bytes on which every implementation is run, the slow reference too."
        ),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or cuda:N; the GPU where there is one.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Folder of the checkpoint; the shipped one by default.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Write a picture; the suffix says the format.")
    ] = None,
    output_format: Annotated[
        ListFormat, typer.Option(help="How the result is written.")
    ] = ListFormat.TEXT,
    as_json: FormerJson = False,
) -> None:
    """Run a language model in every format by every provider; compare quality, speed and bits.

    The model reads files of this machine's Python standard library that its training held out.
    Exit status: 0, or 1 where two implementations differ, or 2 where nothing could be run.
    """
    from rich.console import Console  # noqa: PLC0415 -- as the module says

    from opparity.errors import OpparityError  # noqa: PLC0415
    from opparity.packages import require_for  # noqa: PLC0415

    errors = Console(stderr=True, highlight=False)
    needed = (*NEEDED, *(["matplotlib"] if plot else []))
    try:
        require_for("evaluate", *needed)
    except OpparityError as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(2) from error
    from opparity.evaluation import job, report  # noqa: PLC0415
    from opparity.evaluation.checkpoint import SHIPPED  # noqa: PLC0415

    request = job.Request(
        num_bytes=num_bytes, files=files, share=share, device=device, checkpoint=model or SHIPPED
    )
    try:
        if plot is not None:
            from opparity.evaluation.plot import check_path, write_plot  # noqa: PLC0415

            check_path(plot)
        with _progress(errors) as watcher:
            evaluation, circumstances = job.run(request, watcher)
    except OpparityError as error:
        errors.print(str(error), markup=False)
        raise typer.Exit(2) from error
    if list_format(output_format, json=as_json) is ListFormat.JSON:
        typer.echo(json.dumps(report.document(evaluation, circumstances), indent=2))
    else:
        Console(highlight=False, markup=False, emoji=False).print(
            report.rendered(evaluation, circumstances)
        )
    if plot is not None:
        write_plot(evaluation, circumstances, plot)
        errors.print(f"wrote {plot}", markup=False)
    if evaluation.identical is False:
        raise typer.Exit(1)


class _Bars:
    """Shows one progress bar for each thing that runs."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.ids: list[TaskID] = []

    def begin(self, label: str, tokens: int) -> int:
        """Add a bar and return its number."""
        self.ids.append(self.progress.add_task(label, total=tokens))
        return len(self.ids) - 1

    def advance(self, number: int, tokens: int) -> None:
        """Move a bar on."""
        self.progress.advance(self.ids[number], tokens)


class _Lines:
    """Writes a line for each thing that runs, where no bar can be drawn."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def begin(self, label: str, tokens: int) -> int:
        """Write what begins; the number means nothing."""
        self.console.print(f"{label}: {tokens:,} bytes", markup=False, highlight=False)
        return 0

    def advance(self, number: int, tokens: int) -> None:
        """Write nothing."""


@contextmanager
def _progress(console: Console) -> Iterator[Watcher]:
    """Show progress on the error stream, so that the output can be piped."""
    from rich import progress  # noqa: PLC0415 -- as the module says

    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("bytes"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console, transient=True) as shown:
        yield _Bars(shown)
