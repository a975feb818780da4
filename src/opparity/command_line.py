"""The `opparity` command: every subcommand is one function here, and its work is elsewhere.

A subcommand imports what it needs when it runs, so that `opparity --help` stays quick and the
checker runs where torch is not installed.
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from opparity.benchmark import commands as benchmark_commands
from opparity.benchmark.commands import DeviceType  # noqa: TC001 -- typer reads it
from opparity.change import commands as change_commands
from opparity.checker import commands as checker_commands
from opparity.endings import crashed
from opparity.errors import OpparityError, VerificationRefused
from opparity.evaluation import commands as evaluation_commands
from opparity.history import commands as history_commands
from opparity.output_formats import FormerJson, ListFormat, list_format
from opparity.packages import require_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

application = typer.Typer(
    name="opparity",
    help="The same operators, the same bits, on every platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # rich's help costs 0.2 s of the 0.3 s that `opparity --help` took with it.
    rich_markup_mode=None,
)
checker_commands.register(application)
change_commands.register(application)
history_commands.register(application)

Format = Annotated[ListFormat, typer.Option("--output-format", help="How the result is written.")]


def run() -> None:
    """Run the command; a bug ends it with a status that says so."""
    try:
        application(prog_name="opparity")
    except Exception as error:  # noqa: BLE001 -- status 1 would say that there are findings
        sys.exit(crashed(error))
    finally:
        # Python looks through every object before it ends: 0.08 s of the 0.45 of a small check.
        gc.freeze()


def _say_version(is_asked: bool) -> None:
    if is_asked:
        from opparity import __version__  # noqa: PLC0415 -- quick --help

        typer.echo(f"opparity {__version__}")
        raise typer.Exit


@application.callback()
def main(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    """Operators with the same bits on every platform, and a checker for operator extensions."""
    del version


application.command()(evaluation_commands.evaluate)
application.command()(benchmark_commands.benchmark)


@application.command()
def doctor(
    output_format: Format = ListFormat.TEXT,
    *,
    json: FormerJson = False,
    operators: Annotated[
        bool, typer.Option("--operators", help="List the operators' names; JSON always has them.")
    ] = False,
) -> None:
    """Say which implementation serves the operators here, and why not the others."""
    from opparity import terminal  # noqa: PLC0415
    from opparity.doctor import examine  # noqa: PLC0415

    with _mistakes():
        examination = examine()
    if list_format(output_format, json=json) is ListFormat.JSON:
        typer.echo(examination.to_json())
    else:
        _print(terminal.examination(examination, lists_operators=operators))


@application.command()
def verify(
    *,
    output_format: Format = ListFormat.TEXT,
    json: FormerJson = False,
    random_values: Annotated[
        int,
        typer.Option(
            min=0,
            help="Compare at least so many values of random calls of each group as well.",
        ),
    ] = 0,
    group: Annotated[
        list[str] | None,
        typer.Option(help="A group of random calls, and no golden calls; repeatable."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the random calls; 0 by default.")] = None,
    call: Annotated[
        int | None, typer.Option(min=0, help="One random call alone, by its number.")
    ] = None,
    device: Annotated[DeviceType | None, typer.Option(help="Default: every one.")] = None,
) -> None:
    """Compare every implementation on this machine with the golden bits.

    Exit status: 0, or 1 where anything differs or nothing could be compared, or 2 where nothing
    could be run.
    """
    from opparity import terminal  # noqa: PLC0415

    with _mistakes():
        require_for("verify", "torch", "numpy")
        from opparity.random_calls.comparison import Wanted, groups_named  # noqa: PLC0415
        from opparity.verification import verify as run  # noqa: PLC0415

        wanted = None
        if random_values or (group and call is not None):
            wanted = Wanted(random_values, groups_named(group or ()), seed or 0, call)
        elif group or seed is not None or call is not None:
            raise VerificationRefused(
                detail="--group, --seed or --call is given, and --random-values is not or is 0",
                remedy="say how many values of random calls are to be compared, or name a group "
                "and a call",
            )
        verification = run(
            lambda text: typer.echo(text, err=True),
            wanted=wanted,
            device_type=device,
            golden=not group,
        )
    if list_format(output_format, json=json) is ListFormat.JSON:
        typer.echo(verification.to_json())
    else:
        _print(terminal.verification(verification))
    if not verification.equal:
        raise typer.Exit(1)


@contextmanager
def _mistakes() -> Iterator[None]:
    """Turn a user's mistake into its message and exit status 2."""
    try:
        yield
    except OpparityError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _print(rendered: RenderableType) -> None:
    from rich.console import Console  # noqa: PLC0415 -- as the module says

    # Advice has names in brackets, `opparity[operators]`, that are no styles.
    Console(highlight=False, markup=False, emoji=False).print(rendered)
