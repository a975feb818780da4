"""The checker's English sentences in another language.

The checker says what it found in one English sentence. A language other than English has a file of
such sentences, each with its values left out; a sentence that fits none stays as it is.
"""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from opparity.words.language import Language

if TYPE_CHECKING:
    from collections.abc import Mapping

# A value of this name is a sentence itself.
NESTED = "message"
# Values without white space.
_WORDS = frozenset({"platform", "target", "macro", "known", "usual", "count", "total", "number"})
# Longer ones have hostile names: the worst of this length takes 0.03 s.
_LONGEST = 800


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence of the checker with its values."""

    template: str
    values: Mapping[str, str]


def recognise(language: Language, text: str) -> Message | None:
    """Return what a sentence of the checker is in a language; None where it is not known."""
    if len(text) > _LONGEST:
        return None
    for pattern, template in _patterns(language):
        found = pattern.fullmatch(text)
        if found is not None:
            return Message(template, found.groupdict())
    return None


@cache
def _patterns(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    if language is Language.ENGLISH:
        return ()
    text = files(__package__).joinpath(f"messages.{language.value}.toml").read_text("utf-8")
    entries = tomllib.loads(text)["message"]
    return tuple((_pattern(entry["given"]), entry["said"]) for entry in entries)


def _pattern(template: str) -> re.Pattern[str]:
    """Return an expression for a template; a name that comes again stands for the same text."""
    parts: list[str] = []
    known: set[str] = set()
    for literal, name, _, _ in string.Formatter().parse(template):
        parts.append(re.escape(literal))
        if name is not None:
            value = r"\S+?" if name in _WORDS else ".+?"
            parts.append(f"(?P={name})" if name in known else f"(?P<{name}>{value})")
            known.add(name)
    return re.compile("".join(parts), re.DOTALL)
