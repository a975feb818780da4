"""A measurement as JSON and Markdown."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from opparity.benchmark.measurement import BARS, COPY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.benchmark.measurement import Measurement, Row

_MILLISECOND = 1000.0


def threads_in_words(threads: int) -> str:
    """Return "1 thread", or how many threads."""
    return f"{threads} thread{'s' if threads != 1 else ''}"


def to_json(measurement: Measurement) -> str:
    """Return docs/schemas/benchmark.schema.json's document."""
    return json.dumps({"schema_version": 2, **asdict(measurement)}, indent=2)


def to_markdown(measurement: Measurement) -> str:
    """Return tables: the bars, the implementations and peers with ratios; then the baselines."""
    lines = [
        f"{measurement.device}; " + ", ".join(f"{k} {v}" for k, v in measurement.versions.items())
    ]
    for threads in sorted({row.threads for row in measurement.rows}):
        rows = [row for row in measurement.rows if row.threads == threads]
        if threads:
            lines += ["", f"{threads_in_words(threads)}, milliseconds a call:"]
        lines += ["", *_table(measurement, rows)]
    lines += _baselines(measurement)
    lines += _hosts(measurement)
    lines += _differences(measurement)
    lines += ["", *(f"not timed: {way}: {why}" for way, why in measurement.refused.items())]
    return "\n".join(lines).rstrip() + "\n"


def _table(measurement: Measurement, rows: list[Row]) -> Iterator[str]:
    bars = [bar for bar in BARS if any(bar in row.microseconds for row in rows)]
    ways = [
        way
        for way in (*measurement.implementations, *measurement.peers)
        if any(way in row.microseconds for row in rows)
    ]
    titles = [*bars, *(title for way in ways for title in (way, *(f"/ {bar}" for bar in bars)))]
    yield "| tokens x width | | " + " | ".join(titles) + " |"
    yield "| --- | --- |" + " ---: |" * len(titles)
    for row in rows:
        cells = [_time(row, bar) for bar in bars]
        for way in ways:
            cells += [_time(row, way), *(_ratio(row, way, bar) for bar in bars)]
        yield f"| {row.name} | {row.variant} | " + " | ".join(cells) + " |"


def _baselines(measurement: Measurement) -> Iterator[str]:
    known = {*BARS, *measurement.implementations, *measurement.peers}
    first = measurement.implementations[0] if measurement.implementations else COPY
    rows = [row for row in measurement.rows if set(row.microseconds) - known]
    if not rows:
        return
    ways = sorted({way for row in rows for way in row.microseconds} - known)
    titles = [title for way in ways for title in (way, f"/ {first}")]
    yield ""
    yield f"Unfused, and how many times {first}'s time that is:"
    yield ""
    yield "| tokens x width | threads | " + " | ".join(titles) + " |"
    yield "| --- | ---: |" + " ---: |" * len(titles)
    for row in rows:
        cells = [cell for way in ways for cell in (_time(row, way), _ratio(row, way, first))]
        yield f"| {row.name} | {row.threads or ''} | " + " | ".join(cells) + " |"


def _hosts(measurement: Measurement) -> Iterator[str]:
    for row in measurement.rows:
        if row.host_microseconds:
            times = ", ".join(f"{name} {time:.2f}" for name, time in row.host_microseconds.items())
            yield ""
            yield f"Eager calls, {row.name}, microseconds of the host: {times}."


def _differences(measurement: Measurement) -> Iterator[str]:
    for row in measurement.rows:
        for peer, words in row.differences.items():
            yield ""
            yield f"{peer} beside Opparity, {row.name}, {row.variant}: {words}."


def _time(row: Row, way: str) -> str:
    time = row.microseconds.get(way)
    if time is None:
        return ""
    return f"{time / _MILLISECOND:.2f}" if row.threads else f"{time:.2f}"


def _ratio(row: Row, way: str, base: str) -> str:
    if way not in row.microseconds or base not in row.microseconds:
        return ""
    return f"{row.microseconds[way] / row.microseconds[base]:.3f}"
