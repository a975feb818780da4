"""`python -m opparity` is the `opparity` command."""

from opparity.command_line import run

run()
