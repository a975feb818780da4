"""One report, many formats: each format is one file with one function from a report to text."""

from __future__ import annotations

import importlib
from enum import StrEnum
from typing import TYPE_CHECKING

from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.checker.results.report import Report


class OutputFormat(StrEnum):
    """What `--output-format` takes; each value is the name of a module beside this one."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"
    MARKDOWN = "markdown"
    JUNIT = "junit"


class Show(StrEnum):
    """What `--show` takes: what the text lists in full besides errors and warnings."""

    INFORMATION = "information"
    UNKNOWN = "unknown"
    ALL = "all"


class StatisticsRefused(OpparityError, ValueError):
    """`--statistics` in a format that has none."""

    message = "--statistics has no format {given!r}; allowed are text and json"


def renderer(output_format: OutputFormat) -> Callable[[Report], str]:
    """Return the function that writes a format; no other format's module is imported."""
    module = importlib.import_module(f"{__name__}.{output_format.value}")
    render: Callable[[Report], str] = module.render
    return render
