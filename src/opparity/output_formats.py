"""`--output-format` of commands that print a list, a page or a table, and what it was before."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer


class ListFormat(StrEnum):
    """What `--output-format` takes where a list or a page is printed."""

    TEXT = "text"
    JSON = "json"


FormerFormat = Annotated[ListFormat | None, typer.Option("--format", hidden=True)]
FormerJson = Annotated[bool, typer.Option("--json", hidden=True)]


def list_format(
    given: ListFormat, *, former: ListFormat | None = None, json: bool = False
) -> ListFormat:
    """Return the format that is meant; a former spelling is followed, with a notice."""
    if former is None and not json:
        return given
    spelling = "--json" if json else "--format"
    meant = ListFormat.JSON if json or former is None else former
    sys.stderr.write(f"opparity: {spelling} is now --output-format {meant.value}\n")
    return meant
