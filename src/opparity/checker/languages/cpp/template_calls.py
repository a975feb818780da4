"""Calls with template arguments, `name<…>(`, read from the text when a rule asks for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Location
from opparity.checker.languages.cpp.functions import split_arguments
from opparity.checker.languages.cpp.preprocessor import read_directives
from opparity.checker.languages.cpp.text_scan import (
    enclosing_finder,
    in_directive,
    line_finder,
    without_comments,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import NativeFile

# The longest argument list of vLLM, flashinfer and flash-attention has 600 characters.
_LONGEST_LIST = 4000


@dataclass(frozen=True, slots=True)
class TemplateCall:
    """A call of a function template with its arguments written out, outside of any template."""

    symbol: str
    arguments: tuple[str, ...]
    location: Location
    condition: Condition
    inside: str


def template_calls(file: NativeFile, text: str, names: frozenset[str]) -> Iterator[TemplateCall]:
    """Yield the calls of some templates in a file's ordinary functions."""
    wanted = names & file.called
    if not wanted:
        return
    clean = without_comments(text)
    condition_at = read_directives(file.path, text).condition_at
    line_of = line_finder(clean)
    enclosing = enclosing_finder(file.definitions)
    alternatives = "|".join(re.escape(name) for name in sorted(wanted))
    for found in re.finditer(rf"(?<![\w.>])({alternatives})\s*<(?![<=])", clean):
        line = line_of(found.start())
        around = enclosing(line)
        written = _balanced(clean, found.end())
        if around is None or around.is_template or around.is_inline or written is None:
            continue
        if around.signature.name == found.group(1) or in_directive(clean, found.start()):
            continue
        yield TemplateCall(
            symbol=found.group(1),
            arguments=split_arguments(written),
            location=Location(file.path, line),
            condition=condition_at(line),
            inside=around.signature.qualified,
        )


def _balanced(text: str, start: int) -> str | None:
    """Return what stands before the `>` that closes a list and is followed by `(`."""
    depth, parentheses = 1, 0
    for position in range(start, min(len(text), start + _LONGEST_LIST)):
        character = text[position]
        if character in ";{}":
            return None
        parentheses += (character == "(") - (character == ")")
        if parentheses == 0:  # `(N > 2)` compares
            depth += (character == "<") - (character == ">")
        if depth == 0:
            is_call = text[position + 1 : position + 40].lstrip().startswith("(")
            return text[start:position] if is_call else None
    return None
