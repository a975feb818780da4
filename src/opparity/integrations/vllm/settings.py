"""What OPPARITY_VLLM asks for, in words that are checked. Free of torch and vLLM."""

from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import get_close_matches

from opparity.errors import PluginRefused
from opparity.integrations.vllm.table import PARTS, ROWS

VARIABLE = "OPPARITY_VLLM"
_OFF = "off"
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for.

    Attributes:
        off: whether nothing is to be done.
        asked: whether the variable says anything at all.
        replaced: operators of vLLM's whose kernels become ours.
        defined: operators that are defined though they are not by themselves.
        parts: names of PARTS that are done.
    """

    off: bool
    asked: bool
    replaced: frozenset[str]
    defined: frozenset[str]
    parts: frozenset[str]

    @classmethod
    def from_environment(cls) -> Settings:
        """Read OPPARITY_VLLM: words with commas between them.

        Raises:
            PluginRefused: a word is unknown, or "off" stands beside others.
        """
        text = os.environ.get(VARIABLE, "")
        words = [word.strip() for word in text.split(",") if word.strip()]
        if _OFF in words and len(words) > 1:
            raise PluginRefused(
                detail=f"{VARIABLE} is {text!r}, which asks for nothing and for something",
                remedy=f"set it to '{_OFF}', or leave '{_OFF}' out",
            )
        replaced, defined = set[str](), set[str]()
        parts = {part.name for part in PARTS if not part.only_asked}
        for word in words:
            verb, colon, name = word.partition(":")
            if verb in ("replace", "define") and colon:
                (replaced if verb == "replace" else defined).update(_operators(word, name))
            elif verb == "without" and colon and name in {part.name for part in PARTS}:
                parts.discard(name)
            elif word in {part.name for part in PARTS}:
                parts.add(word)
            elif word != _OFF:
                _refuse(word)
        return cls(
            words == [_OFF], bool(words), frozenset(replaced), frozenset(defined), frozenset(parts)
        )


def _operators(word: str, name: str) -> set[str]:
    known = {row.name for row in ROWS}
    if name == _ALL:
        return known
    if name in known:
        return {name}
    near = get_close_matches(name, known, 1)
    hint = f"; did you mean {word.partition(':')[0]}:{near[0]}?" if near else ""
    raise PluginRefused(
        detail=f"{VARIABLE} has {word!r}, and no operator of vLLM's that Opparity has is called "
        f"{name!r}{hint}",
        remedy=f"allowed: {_ALL}, {', '.join(sorted(known))}",
    )


def _refuse(word: str) -> None:
    parts = ", ".join(part.name for part in PARTS)
    raise PluginRefused(
        detail=f"{VARIABLE} has {word!r}, which is unknown",
        remedy=f"allowed, with commas between them: {_OFF}; {parts}; without:PART; "
        f"replace:OPERATOR or replace:{_ALL}; define:OPERATOR or define:{_ALL}",
    )
