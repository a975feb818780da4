"""`python -m opparity` is the `opparity` command."""

from opparity.command_line import application

application(prog_name="opparity")
