"""An operator's life as a picture: a row a platform, a column a release or commit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

from opparity.checker.tree.names import printable
from opparity.history.formats.words import changes, head, verdict
from opparity.pages.shell import finalized

if TYPE_CHECKING:
    from opparity.history.model import OperatorHistory, PlatformState, Point
    from opparity.words.catalogue import Catalogue

_COLUMN = 26
_ROW = 34
_LEFT = 96
_TOP = 64
_LONGEST_LABEL = 14
# A letter of the labels, which lean by 55 degrees, is 6.3 px long; wide ones count twice.
_LETTER = 6.3
_LEAN = math.radians(55)
_STATES = ("works", "broken", "incomplete", "undecided", "absent", "unknown")
_LEGEND_COLUMN = 132


@dataclass(frozen=True, slots=True)
class _Cell:
    """A rectangle: its state names its style, its title is what a reader is told of it."""

    x: int
    state: str
    title: str


def render(history: OperatorHistory, catalogue: Catalogue) -> str:
    """Return an SVG that needs nothing beside it, in light and dark."""
    environment = Environment(
        loader=PackageLoader("opparity.history.formats", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    labels = [_shortened(point.label) for point in history.points]
    labels_height = math.ceil(max(map(len, labels)) * _LETTER * math.sin(_LEAN)) + 24
    bottom = _TOP + _ROW * len(history.platforms)
    lines = head(history, catalogue)
    legend = [(state, _legend_word(state, catalogue)) for state in _used(history)]
    width = max(
        _LEFT + _COLUMN * len(history.points) + 40,
        _LEFT + _LEGEND_COLUMN * len(legend),
        _LEFT + 9 * len(lines[0]),
    )
    return environment.get_template("timeline.svg.jinja").render(
        title=printable(lines[0]),
        description=printable(_description(history, catalogue)),
        note=printable(" ".join(lines[1:])),
        width=width,
        height=bottom + labels_height + 44,
        left=_LEFT,
        top=_TOP,
        row_height=_ROW,
        column_width=_COLUMN,
        bottom=bottom,
        legend_y=bottom + labels_height + 20,
        legend_column=_LEGEND_COLUMN,
        legend=legend,
        labels=[(_LEFT + _COLUMN * n + _COLUMN // 2, text) for n, text in enumerate(labels)],
        rows=[
            (printable(platform), _TOP + _ROW * n, _cells(history, n, catalogue))
            for n, platform in enumerate(history.platforms)
        ],
    )


def _cells(history: OperatorHistory, number: int, catalogue: Catalogue) -> list[_Cell]:
    return [
        _Cell(
            x=_LEFT + _COLUMN * position,
            state=_state(point.states[number]),
            title=printable(
                f"{point.label}, {history.platforms[number]}: "
                f"{verdict(point.states[number], catalogue)}"
            ),
        )
        for position, point in enumerate(history.points)
    ]


def _state(state: PlatformState | None) -> str:
    return "unknown" if state is None else state.verdict.value


def _used(history: OperatorHistory) -> list[str]:
    used = {_state(state) for point in history.points for state in point.states}
    return [state for state in _STATES if state in used]


def _legend_word(state: str, catalogue: Catalogue) -> str:
    key = "verdict.unknown_platform" if state == "unknown" else f"cell.{state}"
    return catalogue.word(key)


def _shortened(label: str) -> str:
    shown = printable(label)
    return shown if len(shown) <= _LONGEST_LABEL else shown[: _LONGEST_LABEL - 1] + "…"


def _description(history: OperatorHistory, catalogue: Catalogue) -> str:
    """Return the picture in words, for those who cannot see it."""
    told = [
        f"{point.label}: {what}" for point in history.points for what in _told(point, catalogue)
    ]
    return "; ".join(told)


def _told(point: Point, catalogue: Catalogue) -> list[str]:
    return ["; ".join(found)] if (found := changes(point, catalogue)) else []
