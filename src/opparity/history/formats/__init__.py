"""An operator's life in each format: one module a format, `render(history, catalogue)`."""

from __future__ import annotations

import importlib
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from opparity.history.model import OperatorHistory
    from opparity.words.catalogue import Catalogue


class HistoryFormat(StrEnum):
    """What `opparity history --output-format` takes; the name of a module beside this one."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    SVG = "svg"
    HTML = "html"


def renderer(output_format: HistoryFormat) -> Callable[[OperatorHistory, Catalogue], str]:
    """Return the function that writes a format."""
    module = importlib.import_module(f"{__name__}.{output_format.value}")
    render: Callable[[OperatorHistory, Catalogue], str] = module.render
    return render
