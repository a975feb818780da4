"""An operator's life as a page: the timeline's picture, and the same as a table."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from opparity.history.formats.svg import render as picture
from opparity.history.formats.words import changes, head
from opparity.pages.shell import render_page
from opparity.words.pages import page_words

if TYPE_CHECKING:
    from opparity.history.model import OperatorHistory, Point
    from opparity.words.catalogue import Catalogue


def render(history: OperatorHistory, catalogue: Catalogue) -> str:
    """Return the page.

    The picture is a data URL: there its own style applies, and the page's policy lets no other in.
    """
    svg = picture(history, catalogue).encode("utf-8")
    title, *notes = head(history, catalogue)
    return render_page(
        "history.html",
        page_words(catalogue.language.value),
        history=history,
        title=title,
        notes=notes,
        picture=f"data:image/svg+xml;base64,{base64.b64encode(svg).decode('ascii')}",
        told=[changes(point, catalogue) for point in history.points],
        guards=_guards,
        text=catalogue.word,
    )


def _guards(point: Point) -> list[str]:
    """Return the conditions of the registration at a point, each once."""
    return list(dict.fromkeys(state.guard for state in point.states if state and state.guard))
