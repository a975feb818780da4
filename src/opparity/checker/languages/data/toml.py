"""TOML that nobody vouches for: the standard parser, without the inputs that it chokes on."""

from __future__ import annotations

import re
import tomllib

# A key of n parts costs the parser n * n / 2 words of memory: 10 GB for 50,000 parts.
_MOST_PARTS = 40
_STRING = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
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
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TomlRefused(f"no valid TOML: {error}") from error
    except RecursionError as error:
        raise TomlRefused("nested too deep") from error


def _has_long_key(text: str) -> bool:
    bare = _STRING.sub("", text)
    return any(key.count(".") > _MOST_PARTS for key in _BETWEEN_KEYS.split(bare))
