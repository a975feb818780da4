"""A measurement as JSON, Markdown and a picture."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from opparity.benchmark.measurement import BARS, COPY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from opparity.benchmark.measurement import Measurement, Row

_MILLISECOND = 1000.0


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
            lines += ["", f"{threads} threads, milliseconds a call:"]
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


def plot(measurement: Measurement, path: Path) -> None:
    """Write a roofline: bytes a second over the bytes that a call moves, one line for each way."""
    # Imported here: nothing else needs it, and it takes half a second.
    from matplotlib import colormaps  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.add_subplot()
    # The default cycle has ten colours, fewer than ways with some peers.
    axes.set_prop_cycle(
        color=[colormaps["tab20"](number) for number in (*range(0, 20, 2), *range(1, 20, 2))]
    )
    variants = [row.variant for row in measurement.rows]
    # The default variant is the first; other ones would make steps in the lines.
    rows = [row for row in measurement.rows if row.variant == variants[0]]
    shown = (*BARS, *measurement.implementations, *measurement.peers)
    for threads in sorted({row.threads for row in rows}):
        for way in shown:
            points = sorted(
                (row.moved_bytes, row.moved_bytes / row.microseconds[way] / 1e3)
                for row in rows
                if way in row.microseconds and row.threads == threads
            )
            if points:
                label = f"{way}, {threads} threads" if threads else way
                style = "--" if way in BARS else "-"
                axes.plot(*zip(*points, strict=True), style, marker="o", markersize=3, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("bytes that a call reads and writes")
    axes.set_ylabel("GB/s")
    axes.set_title(f"{variants[0]}\n{measurement.device}", fontsize=10)
    axes.grid(visible=True, which="both", alpha=0.25)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=150)
