"""A file's text without the bodies of functions and classes that cannot matter.

Of what is read of vLLM 0.33.0, half is such bodies, and most of the time is parsing.
What is found here by the looks of the text is checked by the parser: text that cannot be parsed
without the bodies is parsed with them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache
from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# What is not closed reaches to the end of its line, or of the text.
_SHORT = r"""#[^\n]*+|"(?!"")(?:[^"\\\n]++|\\[\s\S])*+"?|'(?!'')(?:[^'\\\n]++|\\[\s\S])*+'?"""
# Everything up to a long string at once, and that string; or everything up to the end.
_LONG = re.compile(
    rf"""((?:[^"'#]++|{_SHORT})*+)"""
    r"""("{3}(?:[^"\\]++|\\[\s\S]|"(?!""))*+(?:"{3}|\Z)"""
    r"""|'{3}(?:[^'\\]++|\\[\s\S]|'(?!''))*+(?:'{3}|\Z)|\Z)"""
)
_LONG_MARKS = ('"' * 3, "'" * 3)
_QUOTING = re.compile("[\"'#]")
_HEAD = re.compile(r"\n( *+)(?:@|(?:(?:async +)?(def)|class) +(\w+))")
_BRACKET_OR_COLON = re.compile(rf"{_SHORT}|([()\[\]{{}}:])")
# What follows the name in a head without calls, texts and comments: most of them.
_PLAIN_HEAD = re.compile(r"(?:\([^()\"'#]*+\))?(?:\s*->\s*[\w.\[\], |]++)?\s*:")
_TAB_INDENTATION = re.compile(r"\n *\t")
# More brackets and colons than this in one head, or spaces before it, no person wrote.
_LONGEST_HEAD = 2000
_DEEPEST = 200
_BACKSLASH_WITHIN = 200


@fact
class Block:
    """A function or class as the text shows it; offsets are of whole lines.

    Attributes:
        after_name: the offset behind its name.
        start: where its first decorator starts.
        body: where the line after its head starts; `end` for a body on the head's own line.
        end: where the first line after it starts.
        head: the head's text.
    """

    name: str
    is_function: bool
    indentation: int
    after_name: int
    start: int
    body: int
    end: int
    head: str

    def holds(self, places: Sequence[int]) -> bool:
        """Return whether one of some sorted offsets lies in it."""
        position = bisect_left(places, self.start)
        return position < len(places) and places[position] < self.end


def blocks_of(text: str) -> list[Block]:
    """Return the functions and classes of a file, in order; none where their lines mislead."""
    if "\r" in text or "\f" in text or ("\t" in text and _TAB_INDENTATION.search(text)):
        return []
    # One newline before, so that each line starts with one; inside long strings there is none.
    masked = "\n" + _without_long_strings(text)
    found: list[Block] = []
    start, head_end = -1, 0
    for head in _HEAD.finditer(masked):
        indentation = len(head[1])
        start = head.start() if start < 0 else start
        if head[3] is None:
            continue  # a decorator, which a head follows
        if head.start() < head_end or indentation > _DEEPEST:
            return []
        head_end = _end_of_head(masked, head.end())
        if head_end < 0:
            return []
        end_of_line = masked.find("\n", head_end)
        end_of_line = len(masked) if end_of_line < 0 else end_of_line
        is_on_one_line = masked[head_end:end_of_line].lstrip()[:1] not in {"", "#"}
        after = _line_at_most(indentation).search(masked, end_of_line)
        end = after.start() if after else len(masked)
        # The offset of a newline in the masked text is that of the line after it in the text.
        found.append(
            Block(
                name=head[3],
                is_function=head[2] is not None,
                indentation=indentation,
                after_name=head.end() - 1,
                start=start,
                body=end if is_on_one_line else end_of_line,
                end=end,
                head=masked[head.start() : head_end],
            )
        )
        start = -1
    return found


def without_bodies(text: str, blocks: Sequence[Block], is_idle: Callable[[Block], bool]) -> str:
    """Return the text with `pass` for the bodies of some blocks; lines keep their numbers.

    Functions lose their parameters as well.
    """
    pieces: list[str] = []
    position = 0
    for block in blocks:
        if block.start < position or block.body >= block.end:
            continue
        last = text[max(block.body, block.end - _BACKSLASH_WITHIN) : block.end].rstrip()
        if last.endswith("\\") or not is_idle(block):
            continue
        if block.is_function:
            pieces += [text[position : block.after_name], "(): pass"]
            position = block.after_name
        else:
            pieces += [text[position : block.body], " " * block.indentation, " pass"]
            position = block.body
        pieces.append("\n" * text.count("\n", position, block.end))
        position = block.end
    return "".join([*pieces, text[position:]])


def _without_long_strings(text: str) -> str:
    """Return the text with `_` for its long strings, as many as they have characters."""
    pieces: list[str] = []
    position = 0
    places = {marks: text.find(marks) for marks in _LONG_MARKS}
    while opening := min(
        ((place, marks) for marks, place in places.items() if place >= 0), default=None
    ):
        start, marks = opening
        line = text.rfind("\n", position, start)
        end = text.find(marks, start + 3)
        # Where the marks may be part of a comment or another string, everything is looked at: for
        # all 13 MB that are read of vLLM 0.33.0 that takes three times as long.
        if (
            end < 0
            or "\\" in {text[line - 1], text[end - 1]}
            or _QUOTING.search(text, max(line, position), start)
        ):
            return _LONG.sub(_mask, text)
        end += 3
        pieces += [text[position:start], "_" * (end - start)]
        position = end
        places = {
            marks: text.find(marks, end) if 0 <= place < end else place
            for marks, place in places.items()
        }
    return "".join([*pieces, text[position:]])


def _mask(found: re.Match[str]) -> str:
    return found[1] + "_" * (found.end(2) - found.start(2))


def _end_of_head(masked: str, position: int) -> int:
    """Return the offset behind the colon that ends a head; -1 where there is none."""
    plain = _PLAIN_HEAD.match(masked, position)
    if plain:
        return plain.end()
    depth = 0
    for number, found in enumerate(_BRACKET_OR_COLON.finditer(masked, position)):
        sign = found[1]
        if sign is None:
            continue
        if sign == ":" and depth == 0:
            return found.end()
        depth += (sign in "([{") - (sign in ")]}")
        if depth < 0 or number > _LONGEST_HEAD:
            break
    return -1


@cache
def _line_at_most(indentation: int) -> re.Pattern[str]:
    return re.compile(rf"\n {{0,{indentation}}}(?=[^ \n#])")
