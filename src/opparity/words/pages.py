"""The pages' own fixed words: a file a language, with the same keys."""

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
    return tomllib.loads(files(__package__).joinpath(language, "pages.toml").read_text("utf-8"))
