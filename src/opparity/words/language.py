"""The languages of reports; apart from their words, so that `opparity --help` stays quick."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """What `--language` takes."""

    ENGLISH = "en"
    CHINESE = "zh"
