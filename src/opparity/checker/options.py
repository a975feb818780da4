"""The options that several commands of the checker share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Source = Annotated[
    Path, typer.Argument(help="A source tree: a folder, an sdist, a zip.", show_default=False)
]
Platforms = Annotated[
    list[str] | None,
    typer.Option(
        "--platform",
        metavar="NAME[:ARCHS]",
        help="A platform to check, e.g. rocm, cuda:9.0,12.0; repeatable. "
        "Default: every one that the tree's build knows.",
    ),
]
Revision = Annotated[
    str | None,
    typer.Option(
        "--revision", metavar="REV", help="A git revision of PATH; nothing is checked out."
    ),
]
OutputFile = Annotated[
    Path | None,
    typer.Option("--output-file", "-o", metavar="FILE", help="Write to a file instead."),
]
