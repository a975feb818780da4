"""A measurement for people: a few narrow lines for each row, in a terminal as in a pipe."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from opparity.benchmark.measurement import BARS
from opparity.benchmark.report import threads_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.benchmark.measurement import Measurement, Row

_MILLISECOND = 1000.0
# Narrower than any terminal that is likely, and wide enough for a peer's name.
WIDTH = 60


def to_text(measurement: Measurement) -> str:
    """Return each row's ways with their times, and how many times a copy's or light's these are."""
    versions = ", ".join(f"{name} {version}" for name, version in measurement.versions.items())
    lines = [*wrap(f"{measurement.device}; {versions}", WIDTH)]
    for row in measurement.rows:
        lines += ["", *_row(measurement, row)]
    if measurement.refused:
        lines += ["", "not timed:"]
    for way, reason in measurement.refused.items():
        lines += _indented(f"{way}: {reason}")
    return "\n".join(lines) + "\n"


def _row(measurement: Measurement, row: Row) -> Iterator[str]:
    """Yield a row's title, its ways, and what its peers have otherwise."""
    bars = [bar for bar in BARS if bar in row.microseconds]
    named = (*bars, *measurement.implementations, *measurement.peers)
    ways = [way for way in named if way in row.microseconds]
    ways += sorted(set(row.microseconds) - set(named))
    on = f", {threads_in_words(row.threads)}" if row.threads else ""
    yield from wrap(f"{row.name}, {row.variant}{on}", WIDTH)
    longest = max(map(len, ways), default=0)
    heads = "".join(f"{f'/ {bar}':>10}" for bar in bars[:2])
    yield f"  {'':{longest}}{'ms' if row.threads else 'us':>9}{heads}".rstrip()
    for way in ways:
        time = row.microseconds[way]
        shown = f"{time / _MILLISECOND if row.threads else time:>9,.2f}"
        ratios = "".join(f"{time / row.microseconds[bar]:>10,.3f}" for bar in bars[:2])
        yield f"  {way:{longest}}{shown}{ratios}"
    if row.host_microseconds:
        times = ", ".join(f"{name} {time:.2f}" for name, time in row.host_microseconds.items())
        yield from _indented(f"eager calls, us of the host: {times}")
    for peer, words in row.differences.items():
        yield from _indented(f"{peer} beside Opparity: {words}")


def _indented(words: str) -> list[str]:
    return wrap(words, WIDTH, initial_indent="  ", subsequent_indent="    ")
