"""How a command of the checker ends: its output, its status, and what is said where it fails."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRACEBACK = "OPPARITY_TRACEBACK"
_TOO_COSTLY = (
    "not checked: opening the tree, or writing the report, takes more processor time or memory "
    "than a tree may take (10 s and 10 s for each MB of source; 1 GB): give the folder of one "
    "project"
)


class ExitStatus(IntEnum):
    """What the status of `opparity check`, `report` and their like says."""

    CLEAN = 0
    """The work is done, and nothing speaks for a failure."""

    FINDINGS = 1
    """The work is done; `check` found an error or a warning, `report --fail` a new error."""

    NOT_CHECKED = 2
    """The work could not be done: a wrong option, setting or input, said on standard error."""

    CRASHED = 3
    """Opparity has a bug: nothing is known of the tree, and nothing of it is on standard output."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what Opparity refuses into a line and status 2, and its own bugs into one and 3."""
    from opparity.checker.bounds import BoundReached, watched  # noqa: PLC0415 -- quick --help
    from opparity.errors import OpparityError  # noqa: PLC0415

    try:
        with watched():
            yield
    except (OpparityError, OSError) as error:
        _say(str(error))
        raise typer.Exit(ExitStatus.NOT_CHECKED) from error
    except (BoundReached, MemoryError) as error:
        _say(_TOO_COSTLY)
        raise typer.Exit(ExitStatus.NOT_CHECKED) from error
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        raise typer.Exit(crashed(error)) from error


def crashed(error: Exception) -> int:
    """Say in one line that Opparity has a bug, and where; return the status that says so."""
    if os.environ.get(_TRACEBACK):
        import traceback  # noqa: PLC0415 -- needed where something failed

        traceback.print_exception(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    _say(
        f"internal error: {what:.300} (at {place}); nothing can be said of the tree. This is a bug "
        f"of Opparity: report it with the traceback that {_TRACEBACK}=1 prints"
    )
    return ExitStatus.CRASHED


def print_text(text: str) -> None:
    """Write to standard output; what its encoding cannot hold becomes an escape."""
    encoding = sys.stdout.encoding or "utf-8"
    _write(sys.stdout, text.encode(encoding, "backslashreplace").decode(encoding))


def print_page(text: str) -> None:
    """Write what says itself that it is UTF-8 to standard output, whatever that is encoded in."""
    _write(sys.stdout.buffer, text.encode("utf-8"))


def write_file(path: Path, text: str) -> None:
    """Write to a file that the user names.

    Raises:
        OutputRefused: it cannot be written.
    """
    from opparity.errors import OutputRefused  # noqa: PLC0415 -- quick --help

    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise OutputRefused(path=path, reason=error.strerror or str(error)) from error


def _say(text: str) -> None:
    from opparity.checker.tree.names import printable  # noqa: PLC0415 -- quick --help
    from opparity.escapes import in_log  # noqa: PLC0415

    sys.stderr.write(in_log(f"opparity: {printable(text)}\n"))


def _write(stream: IO[str] | IO[bytes], text: str | bytes) -> None:
    """Write all of a text now; a reader that has seen enough, like `head`, is no mistake."""
    try:
        sys.stdout.flush()
        stream.write(text)  # type: ignore[arg-type] # the two callers pair them
        stream.flush()
    except BrokenPipeError:
        # What is left in the buffer must not be written again while Python ends.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
