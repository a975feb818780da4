"""Python's own parser, on files that are not ours."""

from __future__ import annotations

import ast
import warnings


def parse_quietly(text: str) -> ast.Module:
    """Return a file's syntax, and say nothing of its invalid escapes: they are the tree's business.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `ast.parse` does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)
