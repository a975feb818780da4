"""The pages' own fixed words: `en.toml` and `zh.toml`, with the same keys."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def page_words(language: str) -> Mapping[str, str]:
    """Return a language's words: "en" or "zh"."""
    return tomllib.loads(files(__name__).joinpath(f"{language}.toml").read_text("utf-8"))
