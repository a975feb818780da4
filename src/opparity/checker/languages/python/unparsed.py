"""Python files that touch no operator by their text and that Python cannot parse.

Most of a large tree's Python is never parsed: that takes 6 s for vLLM 0.33.0's 43 MB. So all files
of a small tree are, and of a larger one those that begin like Python 2.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.languages.python.syntax import parse_quietly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opparity.checker.languages.workers import Workers

# About 0.1 s of parsing.
_MOST_BYTES = 700_000
# Of larger files only the beginning is looked at: all of vLLM's takes 1 % of its check.
_BEGINNING = 8_000
_PRINT = b"print "
_STATEMENT = re.compile(rb"\n[ \t]*print[ \t]+[^\s(=.,)]")


def unparsed(contents: Mapping[str, bytes], workers: Workers) -> tuple[str, ...]:
    """Return the files that do not parse, of those that nothing else reads."""
    is_small = sum(map(len, contents.values())) <= _MOST_BYTES
    asked = {path: text for path, text in contents.items() if is_small or _looks_old(text)}
    parses = workers.text_facts(_parses, asked)
    return tuple(path for path, is_python in sorted(parses.items()) if not is_python)


def _looks_old(content: bytes) -> bool:
    """Return whether a file has a statement `print "…"`."""
    found = content.find(_PRINT, 0, _BEGINNING) >= 0
    return found and _STATEMENT.search(content, 0, _BEGINNING) is not None


def _parses(_: str, content: bytes) -> bool:
    try:
        parse_quietly(content.decode("utf-8", errors="replace"))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
