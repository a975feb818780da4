"""A measurement as a picture: how many bytes a second each way moves."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.figure import Figure

from opparity.benchmark.measurement import BARS
from opparity.benchmark.report import threads_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

    from opparity.benchmark.measurement import Measurement, Row

# What bounds the ways is grey; Opparity's own are dark, and peers have Okabe's and Ito's colours.
_BARS = ("#6e7781", "#8c959f", "#afb8c1")
_OWN = ("#0550ae", "#8250df")
_PEERS = ("#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
# Labels at the ends of lines stay this many points apart.
_APART = 11
# From here on a number is shown without digits behind its point.
_WHOLE = 100


class Line(NamedTuple):
    """One way: its label, its colour, and gigabytes a second over the bytes that a call moves."""

    label: str
    colour: str
    style: str
    points: list[tuple[int, float]]


def write(measurement: Measurement, path: Path) -> None:
    """Write the ways of the first variant: lines over sizes, or one size as points."""
    variant = measurement.rows[0].variant
    rows = [row for row in measurement.rows if row.variant == variant]
    lines = list(_lines(measurement, rows))
    sizes = {size for line in lines for size, _ in line.points}
    height = 5.5 if len(sizes) > 1 else 1.8 + 0.32 * len(lines)
    figure = Figure(figsize=(9, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(f"{variant}\n{measurement.device}", fontsize=10, loc="left")
    if len(sizes) > 1:
        _over_sizes(figure, axes, lines)
    else:
        _at_one_size(axes, lines, rows[0])
    figure.savefig(path, dpi=150)


def _lines(measurement: Measurement, rows: list[Row]) -> Iterator[Line]:
    """Yield each way that was timed, with each number of threads."""
    for threads in sorted({row.threads for row in rows}):
        for ways, colours, style in (
            (BARS, _BARS, "--"),
            (measurement.implementations, _OWN, "-"),
            (measurement.peers, _PEERS, "-"),
        ):
            for way, colour in zip(ways, cycle(colours), strict=False):
                points = sorted(
                    (row.moved_bytes, row.moved_bytes / row.microseconds[way] / 1e3)
                    for row in rows
                    if way in row.microseconds and row.threads == threads
                )
                if points:
                    label = f"{way}, {threads_in_words(threads)}" if threads else way
                    yield Line(label, colour, style, points)


def _over_sizes(figure: Figure, axes: Axes, lines: list[Line]) -> None:
    """Draw lines, with the name of each at its end."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("bytes that a call reads and writes")
    axes.set_ylabel("GB/s")
    axes.grid(visible=True, which="major", alpha=0.25)
    for line in lines:
        axes.plot(*zip(*line.points, strict=True), line.style, color=line.colour, marker="o", ms=3)
    figure.draw_without_rendering()
    last = float("inf")
    for line in sorted(lines, key=lambda line: -line.points[-1][1]):
        end = line.points[-1]
        height = axes.transData.transform(end)[1] * 72 / figure.dpi
        last = min(height, last - _APART)
        axes.annotate(
            line.label,
            end,
            (8, last - height),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=line.colour,
            annotation_clip=False,
        )


def _at_one_size(axes: Axes, lines: list[Line], row: Row) -> None:
    """Draw a point for each way, with its number beside it."""
    labels = [line.label for line in lines]
    colours = [line.colour for line in lines]
    speeds = [line.points[0][1] for line in lines]
    axes.hlines(labels, 0, speeds, color=colours, linewidth=2)
    axes.scatter(speeds, labels, color=colours, zorder=2)
    for label, speed in zip(labels, speeds, strict=True):
        shown = f"{speed:,.0f}" if speed >= _WHOLE else f"{speed:.2f}"
        axes.annotate(
            shown, (speed, label), (8, 0), textcoords="offset points", va="center", fontsize=8
        )
    axes.set_xlim(left=0)
    axes.margins(x=0.15, y=0.1)
    axes.invert_yaxis()
    axes.set_xlabel(f"GB/s at {row.name}")
