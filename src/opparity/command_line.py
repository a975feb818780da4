"""The `opparity` command: every subcommand is one function here, and its work is elsewhere.

A subcommand imports what it needs when it runs, so that `opparity --help` stays quick and the
checker runs where torch is not installed.
"""

from __future__ import annotations

import typer

from opparity.checker import commands as checker

application = typer.Typer(
    name="opparity",
    help="The same operators, the same bits, on every platform.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # rich's help costs 0.2 s of the 0.3 s that `opparity --help` took with it.
    rich_markup_mode=None,
)
checker.register(application)


@application.callback()
def main() -> None:
    """Operators with the same bits on every platform, and a checker for operator extensions."""
