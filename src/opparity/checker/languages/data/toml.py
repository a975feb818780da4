"""TOML that nobody vouches for: the standard parser, without the inputs that it chokes on."""

from __future__ import annotations

import re
import tomllib

# A key of n parts costs the parser n * n / 2 words of memory: 10 GB for 50,000 parts.
_MOST_PARTS = 40
# Strings and comments, as TOML has them; what is not closed ends with its line, or with the text.
_STRING_OR_COMMENT = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*+(?:"""|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*"
)
# TOML's integers have 64 bits; Python refuses to write as text what has thousands of digits.
_MOST_BITS = 64
_BETWEEN_KEYS = re.compile(r"[,=#{}\[\]\n]")
_LONGEST = 1_000_000


class TomlRefused(ValueError):
    """The text is no TOML, or none that a person would write."""


def parse_toml(text: str) -> dict[str, object]:
    """Return the tables of a TOML file.

    Raises:
        TomlRefused: it cannot be parsed, or its keys, nesting or length have no use but harm.
    """
    if len(text) > _LONGEST or _has_long_key(text):
        raise TomlRefused("longer, or with longer keys, than settings ever are")
    try:
        tables = tomllib.loads(text)
        _refuse_large_numbers(tables)
    except tomllib.TOMLDecodeError as error:
        raise TomlRefused(f"no valid TOML: {error}") from error
    except RecursionError as error:
        raise TomlRefused("nested too deep") from error
    except ValueError as error:
        raise TomlRefused(f"no valid TOML: {error}") from error
    return tables


def _refuse_large_numbers(tables: dict[str, object]) -> None:
    waiting: list[object] = [tables]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, int) and value.bit_length() > _MOST_BITS:
            raise TomlRefused("a number that has more than 64 bits")


def _has_long_key(text: str) -> bool:
    bare = _STRING_OR_COMMENT.sub("", text)
    return any(key.count(".") > _MOST_PARTS for key in _BETWEEN_KEYS.split(bare))
