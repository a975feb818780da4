"""Whether to write colours and links: as terminals, and the variables of the environment, want."""

from __future__ import annotations

import os
from typing import IO


def are_wanted(stream: IO[str]) -> bool:
    """Tell whether to colour what goes to a stream.

    NO_COLOR forbids it, FORCE_COLOR asks for it wherever the output goes, and a terminal gets it
    unless it is a dumb one. A variable that is empty counts as not set, and FORCE_COLOR=0 too.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"
