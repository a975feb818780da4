"""A file as the compiler sees it, one branch of each `#if` at a time, where braces demand it.

`#if … } … #else … } … #endif` closes one brace twice: no grammar can follow both branches at once,
and what stands behind the first is put into the wrong namespace.
Nor can it read a head that one branch ends with `;` and another one with a body.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Begins with the end of the line before it: found some four times as fast as by `^`.
_DIRECTIVE = re.compile(r"\n[ \t]*#[ \t]*(if|el|endif)(?:[^\n]*\\\n)*[^\n]*")
_OTHER_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_END_OF_HEAD = re.compile(r"\)\s*(?:(?:const|noexcept|override|final)\s*)*\Z")
_LONGEST_END = 80
_AT_MARGIN = re.compile(r"^\S", re.MULTILINE)
_MOST_GROUPS = 60
_DEEPEST = 100
_MOST_VARIANTS = 3


@dataclass(slots=True)
class _Group:
    """One `#if` with its branches.

    Attributes:
        directives: where they stand.
        depths: the braces that each branch leaves open.
        follows_head: the head of a function stands before it; and
        ends_head: a branch begins with the `;` or the brace of that one.
    """

    directives: list[int]
    follows_head: bool
    depths: list[int] = field(default_factory=lambda: [0])
    reaches_margin: bool = False
    ends_head: bool = False

    @property
    def is_split(self) -> bool:
        """Return whether a branch opens or closes what is around the group."""
        return self.ends_head or (self.reaches_margin and any(self.depths))


def variants(text: str, clean: str) -> tuple[str, ...]:
    """Return the text with one branch of each such group left, for each branch.

    Lines keep their numbers. A text without such groups is returned alone, as it is.

    Args:
        text: the file's text.
        clean: the same with comments and literals blanked.
    """
    if "#" not in clean:
        return (text,)
    groups = [group for group in _groups(clean) if group.is_split]
    if not groups or len(groups) > _MOST_GROUPS:
        return (text,)
    lines = text.split("\n")
    # A group without `#else` has a branch with nothing in it.
    most = max(max(len(group.depths), 2) for group in groups)
    return tuple(_with_branch(lines, groups, number) for number in range(min(most, _MOST_VARIANTS)))


def _groups(clean: str) -> list[_Group]:
    """Return the `#if`s of a text, inner ones first; braces of directives count for nothing."""
    found: list[_Group] = []
    around: list[_Group] = []
    start = number = 0
    text = "\n" + clean
    for directive in _DIRECTIVE.finditer(text):
        between = text[start : directive.start()]
        number += between.count("\n")
        if around:
            code = _OTHER_DIRECTIVE.sub("", between) if "#" in between else between
            depth = code.count("{") - code.count("}")
            is_at_margin = _AT_MARGIN.search(code) is not None
            for group in around:
                group.depths[-1] += depth
                group.reaches_margin |= is_at_margin
            inner = around[-1]
            inner.ends_head |= inner.follows_head and code.lstrip().startswith((";", "{"))
        if directive[1] == "if":
            before = max(0, directive.start() - _LONGEST_END)
            follows_head = _END_OF_HEAD.search(text, before, directive.start()) is not None
            around.append(_Group([number], follows_head))
            if len(around) > _DEEPEST:
                return []
        elif around:
            around[-1].directives.append(number)
            if directive[1] == "endif":
                found.append(around.pop())
            else:
                around[-1].depths.append(0)
        start, number = directive.end(), number + directive[0].count("\n")
    return found


def _with_branch(lines: Sequence[str], groups: Sequence[_Group], chosen: int) -> str:
    """Return the text with one branch of each group; the last where it has not so many."""
    kept = list(lines)
    for group in groups:
        branches = list(zip(group.directives, group.directives[1:], strict=False))
        is_whole = len(branches) > 1
        taken = min(chosen, len(branches) - 1) if is_whole else chosen
        for number, (start, end) in enumerate(branches):
            for line in range(start, end) if number != taken else (start,):
                kept[line] = ""
            kept[end] = ""
    return "\n".join(kept)
