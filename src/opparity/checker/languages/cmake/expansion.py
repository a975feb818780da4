"""Variable references in arguments, and generator expressions in properties."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from opparity.checker.languages.cmake.values import (
    UNKNOWN,
    is_decided,
    is_false_constant,
    split_list,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_SPECIAL = re.compile(r"\\.|\$ENV\{|\$CACHE\{|\$\{|@[A-Za-z_]\w*@|\}", re.DOTALL)
# What may end a piece of plain text in a generator expression, by what ends the text around it.
_NEXT = {
    stops: re.compile(rf"\$<|[{stops}]" if stops else r"\$<") for stops in ("", ">", ":>", ",>")
}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_DEEPEST = 30
_LONGEST = 1_000_000
_SIMPLE = re.compile(r"\$\{(\w+)\}")
_NOT_SIMPLE = re.compile(r"\\|\$\{|\$ENV\{|\$CACHE\{")
# Longer texts are not remembered.
_LONGEST_SIMPLE = 500


def expand(text: str, lookup: Callable[[str], str]) -> str:
    """Return an argument's text with its references replaced; nested names are built first.

    `lookup` is asked for "NAME", or "ENV{NAME}" for the environment.
    """
    if "$" not in text and "\\" not in text:
        return text
    pieces = _simple(text) if len(text) <= _LONGEST_SIMPLE else None
    if pieces is None:
        value, _ = _expand(text, 0, lookup, 0)
        return value
    parts = list(pieces)
    length = 0
    for index in range(1, len(pieces), 2):
        value = lookup(pieces[index])
        length += len(value)
        parts[index] = value if length < _LONGEST else UNKNOWN
    return "".join(parts)


@lru_cache(maxsize=8192)
def _simple(text: str) -> tuple[str, ...] | None:
    """Return text and names in turns, where every reference is a plain `${NAME}`.

    The same arguments come again for each platform, option and iteration.
    """
    pieces = _SIMPLE.split(text)
    return None if any(map(_NOT_SIMPLE.search, pieces[::2])) else tuple(pieces)


def _expand(text: str, start: int, lookup: Callable[[str], str], depth: int) -> tuple[str, int]:
    """Return the expansion up to the brace that closes this level, and where it ends."""
    parts: list[str] = []
    length = 0
    position = start
    while True:
        found = _SPECIAL.search(text, position)
        if found is None:
            parts.append(text[position:])
            return "".join(parts), len(text)
        parts.append(text[position : found.start()])
        word = found.group()
        position = found.end()
        if word == "}":
            if depth:
                return "".join(parts), position
            parts.append(word)
        elif word[0] == "\\":
            parts.append(_unescape(word))
        elif word[0] == "@":
            parts.append(word)
        elif depth >= _DEEPEST:
            return UNKNOWN, len(text)
        else:
            name, position = _expand(text, position, lookup, depth + 1)
            kind = word[1:-1]
            value = lookup(f"{kind}{{{name}}}" if kind == "ENV" else name)
            length += len(value)
            parts.append(value if length < _LONGEST else UNKNOWN)


def _unescape(word: str) -> str:
    character = word[1]
    if character == ";":
        return "\\;"
    return _ESCAPES.get(character, character)


class GeneratorExpressions:
    """Evaluates `$<…>` for one compile language."""

    def __init__(self, language: str, objects: Callable[[str], str]) -> None:
        self.language = language
        self.objects = objects

    def evaluate(self, text: str) -> str:
        """Return the text with its expressions replaced."""
        if "$<" not in text:
            return text
        value, _ = self._text(text, 0, "", 0)
        return value

    def _text(self, text: str, start: int, stops: str, depth: int) -> tuple[str, int]:
        """Return the value up to one of the stops at this level, and its position."""
        parts: list[str] = []
        position = start
        while found := _NEXT[stops].search(text, position):
            parts.append(text[position : found.start()])
            position = found.start()
            if found.group() != "$<":
                return "".join(parts), position
            if depth > _DEEPEST:
                return UNKNOWN, len(text)
            value, position = self._expression(text, position + 2, depth + 1)
            parts.append(value)
        return "".join([*parts, text[position:]]), len(text)

    def _expression(self, text: str, start: int, depth: int) -> tuple[str, int]:
        name, position = self._text(text, start, ":>", depth)
        if position >= len(text) or text[position] == ">":
            return self._keyword(name), position + 1
        stops = ",>" if _takes_list(name) else ">"
        arguments: list[str] = []
        while position < len(text) and text[position] != ">":
            value, position = self._text(text, position + 1, stops, depth)
            arguments.append(value)
        return self._call(name, arguments), position + 1

    def _keyword(self, name: str) -> str:
        return {
            "SEMICOLON": ";",
            "COMMA": ",",
            "ANGLE-R": ">",
            "COMPILE_LANGUAGE": self.language,
            "CONFIG": "Release",
            "PLATFORM_ID": "Linux",
        }.get(name, "")

    def _call(self, name: str, arguments: list[str]) -> str:
        first = arguments[0] if arguments else ""
        questions = {
            "COMPILE_LANGUAGE": self.language in arguments,
            "COMPILE_LANG_AND_ID": self.language == first,
            "CONFIG": "Release" in arguments,
            "PLATFORM_ID": "Linux" in arguments,
            "STREQUAL": arguments[1:2] == [first],
            "EQUAL": arguments[1:2] == [first],
            "IN_LIST": first in split_list(";".join(arguments[1:])),
            "CXX_COMPILER_ID": "GNU" in arguments,
            "C_COMPILER_ID": "GNU" in arguments,
            "CUDA_COMPILER_ID": "NVIDIA" in arguments,
        }
        if name in questions:
            return str(int(questions[name]))
        if name in {"BOOL", "NOT", "AND", "OR"}:
            return _logical(name, first, set(arguments))
        if name in {"1", "BUILD_INTERFACE", "BUILD_LOCAL_INTERFACE", "LINK_ONLY", "JOIN"}:
            return first
        if name in {"0", "INSTALL_INTERFACE"}:
            return ""
        if name == "IF" and len(arguments) > 2 and first in {"0", "1"}:  # noqa: PLR2004
            return arguments[1] if first == "1" else arguments[2]
        return self.objects(first) if name == "TARGET_OBJECTS" else UNKNOWN


def _logical(name: str, first: str, values: set[str]) -> str:
    if name == "BOOL":
        return UNKNOWN if not is_decided(first) else str(int(not is_false_constant(first)))
    if name == "NOT":
        return {"0": "1", "1": "0"}.get(first, UNKNOWN)
    deciding, other = ("0", "1") if name == "AND" else ("1", "0")
    if deciding in values:
        return deciding
    return other if values == {other} else UNKNOWN


def _takes_list(name: str) -> bool:
    return name not in {"0", "1", "BUILD_INTERFACE", "INSTALL_INTERFACE", "LINK_ONLY"}


def split_flags(value: str) -> list[str]:
    """Return compile options one by one: list elements, and words within `SHELL:` or a string."""
    flags: list[str] = []
    for element in split_list(value):
        flags.extend(element.removeprefix("SHELL:").split())
    return flags
