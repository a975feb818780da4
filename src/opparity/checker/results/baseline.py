"""Findings accepted earlier: a file that may shrink and must not rot.

An entry names a rule, an operator or symbol, a platform and a file, never a line: code may move.
It holds how many findings it accepts, so that one more is reported and one less makes it stale.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact
from opparity.checker.rules.findings import Finding, Unknown
from opparity.errors import OpparityError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SCHEMA_VERSION = 1
_LONGEST = 64_000_000
# What `--strict` says of an unknown.
_UNDECIDED = "result.undecided"


class BaselineRefused(OpparityError):
    """A baseline file that is none."""

    message = "{path}: {detail}; write it anew with --write-baseline"


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """What identifies accepted findings.

    Attributes:
        is_undecided: whether what was accepted could not be decided. Such an entry accepts no
            finding that is sure; an entry of sure ones accepts what cannot be decided any more.
    """

    rule: str
    operator: str
    symbol: str
    platform: str
    path: str
    is_undecided: bool = False


@fact
class Comparison:
    """Findings against a baseline.

    Attributes:
        new: findings that it does not accept; and
        undecided: unknowns likewise.
        accepted: what it does accept: unknowns too, which are findings with `--strict`.
        stale: entries that accept more than there is, and how much there is.
    """

    new: tuple[Finding, ...]
    undecided: tuple[Unknown, ...]
    accepted: tuple[Finding | Unknown, ...]
    stale: tuple[tuple[Entry, int, int], ...]


def entry_of(finding: Finding | Unknown) -> Entry:
    """Return the entry that would accept a finding or an unknown."""
    is_undecided = isinstance(finding, Unknown) or finding.statement.key == _UNDECIDED
    return Entry(
        finding.rule,
        finding.operator,
        finding.symbol,
        finding.platform,
        finding.location.path,
        is_undecided,
    )


def write_baseline(findings: Iterable[Finding]) -> str:
    """Return the text of a baseline that accepts these findings."""
    counts = Counter(entry_of(finding) for finding in findings)
    accepted = [
        {
            "rule": entry.rule,
            "operator": entry.operator or None,
            "symbol": entry.symbol or None,
            "platform": entry.platform or "all",
            "path": entry.path,
            "count": count,
            **({"undecided": True} if entry.is_undecided else {}),
        }
        for entry, count in sorted(counts.items())
    ]
    return json.dumps({"schema_version": SCHEMA_VERSION, "accepted": accepted}, indent=2) + "\n"


def baseline_of(folder: Path, name: str) -> Path:
    """Return the path of the baseline that the settings in a folder name.

    Raises:
        BaselineRefused: it is no file in that folder.
    """
    path = folder / name
    try:
        is_inside = path.resolve().is_relative_to(folder.resolve())
        is_file = not path.exists() or path.is_file()
    except (OSError, RuntimeError, ValueError):
        is_inside = is_file = False
    if not (is_inside and is_file):
        raise BaselineRefused(
            path=f"{path.as_posix()!s:.200}",
            detail="the settings name a baseline that is no file inside their own folder",
        )
    return path


def read_baseline(path: Path) -> dict[Entry, int]:
    """Return how many findings each entry of a baseline file accepts.

    Raises:
        BaselineRefused: the file cannot be read, or is no baseline of this version.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
        if len(content) > _LONGEST:
            raise BaselineRefused(path=path, detail=f"longer than {_LONGEST / 1e6:.0f} MB")
        return _parse(json.loads(content.decode("utf-8")))
    except OSError as error:
        raise BaselineRefused(path=path, detail=error.strerror) from error
    except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
        detail = f"no baseline of version {SCHEMA_VERSION} ({type(error).__name__}: {error})"
        raise BaselineRefused(path=path, detail=detail) from error


def _parse(document: dict[str, object]) -> dict[Entry, int]:
    if document["schema_version"] != SCHEMA_VERSION:
        raise ValueError(f"schema_version {document['schema_version']!r}")
    entries: dict[Entry, int] = {}
    accepted = document["accepted"]
    if not isinstance(accepted, list):
        raise TypeError("accepted is no list")
    for given in accepted:
        platform = str(given["platform"])
        entry = Entry(
            str(given["rule"]),
            str(given["operator"] or ""),
            str(given["symbol"] or ""),
            "" if platform == "all" else platform,
            str(given["path"]),
            bool(given.get("undecided", False)),
        )
        entries[entry] = entries.get(entry, 0) + int(given["count"])
    return entries


def compare(
    findings: Iterable[Finding], baseline: dict[Entry, int], unknowns: Iterable[Unknown] = ()
) -> Comparison:
    """Return what the baseline accepts, what it does not, and what it accepts in vain."""
    found: dict[Entry, list[Finding | Unknown]] = {}
    results: list[Finding | Unknown] = [*findings, *unknowns]
    for result in results:
        found.setdefault(entry_of(result), []).append(result)
    left: list[Finding | Unknown] = []
    accepted: list[Finding | Unknown] = []
    for entry, group in found.items():
        allowed = baseline.get(entry, 0)
        if entry.is_undecided:
            sure = replace(entry, is_undecided=False)
            allowed += max(0, baseline.get(sure, 0) - len(found.get(sure, ())))
        accepted.extend(group[:allowed])
        # Which of several like findings is the new one cannot be told: the last is reported.
        left.extend(group[allowed:])
    stale = tuple(
        (entry, count, there)
        for entry, count in sorted(baseline.items())
        if count > (there := _accepted_by(entry, accepted, baseline))
    )
    new = tuple(each for each in left if isinstance(each, Finding))
    undecided = tuple(each for each in left if not isinstance(each, Finding))
    return Comparison(new, undecided, tuple(accepted), stale)


def _accepted_by(
    entry: Entry, accepted: list[Finding | Unknown], baseline: dict[Entry, int]
) -> int:
    """Return how much there is of what an entry accepts."""
    entries = [entry_of(each) for each in accepted]
    there = entries.count(entry)
    if entry.is_undecided:
        return there
    undecided = replace(entry, is_undecided=True)
    return there + max(0, entries.count(undecided) - baseline.get(undecided, 0))
