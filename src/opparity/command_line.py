"""The `opparity` command: every subcommand is one function here, and its work is elsewhere.

A subcommand imports what it needs when it runs, so that `opparity --help` stays quick and the
checker runs where torch is not installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from opparity.evaluation import commands as evaluation_commands

if TYPE_CHECKING:
    from opparity.doctor import Examination
    from opparity.verification import Verification

application = typer.Typer(
    name="opparity",
    help="The same operators, the same bits, on every platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@application.callback()
def main() -> None:
    """Operators with the same bits on every platform, and a checker for operator extensions."""


application.command()(evaluation_commands.evaluate)


@application.command()
def doctor(json: Json = False) -> None:
    """Say which operators exist here, by which implementation, and why not by the others."""
    from opparity.doctor import examine  # noqa: PLC0415

    examination = examine()
    if json:
        typer.echo(examination.to_json())
    else:
        _print_examination(examination)


@application.command()
def verify(
    json: Json = False,
    random_values: Annotated[
        int,
        typer.Option(help="Compare at least so many codes of further random input as well."),
    ] = 0,
) -> None:
    """Compare every implementation on this machine with the golden bits; exit 1 if any differs."""
    from opparity.verification import verify as run  # noqa: PLC0415

    verification = run(random_values, lambda text: typer.echo(text, err=True))
    if json:
        typer.echo(verification.to_json())
    else:
        _print_verification(verification)
    if not verification.equal:
        raise typer.Exit(1)


def _print_examination(examination: Examination) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    console.print(
        *(f"{name} {number or 'not installed'}" for name, number in examination.versions.items()),
        sep=", ",
    )
    for device in examination.devices:
        console.print(device, highlight=False)
    table = Table("operator", "platform", "provider", "status", "reason")
    for row in examination.rows:
        table.add_row(row.operator, row.platform, row.provider, row.status, row.reason or "")
    console.print(table)


def _print_verification(verification: Verification) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table("operator", "provider", "device", "cases", "values", "differ", "status", "reason")
    for result in verification.results:
        table.add_row(
            result.operator,
            f"{result.provider} on {result.platform}",
            result.device,
            f"{result.cases:,}",
            f"{result.values:,}",
            f"{result.mismatched_values:,} values, {result.mismatched_scales:,} scales",
            result.status,
            result.reason or "",
        )
    Console().print(table)
