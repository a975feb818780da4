"""Parsing by tree-sitter's grammars, so that it can be interrupted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.bounds import BoundReached

if TYPE_CHECKING:
    import tree_sitter

# Of the source, what the parser is given at a time.
_CHUNK = 1 << 10
# So little takes some 0.2 s at most: of 110 hostile texts of this size the slowest took 0.16 s.
_SHORT = 1 << 14


def parse(parser: tree_sitter.Parser, source: bytes) -> tree_sitter.Tree:
    """Return the syntax tree of a source.

    Given the bytes alone, the parser does not come back before it is done, and its error recovery
    takes quadratic time for some texts; but a node's text is at hand then, not asked for anew.

    Raises:
        BoundReached: the time for the file has passed.
    """
    if len(source) <= _SHORT:
        return parser.parse(source)
    try:
        return parser.parse(
            lambda start, _: source[start : start + _CHUNK], progress_callback=_is_to_stop
        )
    except SystemError as error:
        # The timer has interrupted one of the two functions.
        parser.reset()
        raise BoundReached from error


def _is_to_stop(_position: int, _has_error: bool) -> bool:
    """Have the interpreter run, and with it the timer; say that parsing goes on."""
    return False
