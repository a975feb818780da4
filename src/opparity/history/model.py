"""An operator's life as plain data; every text in it comes from trees and git, never trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.change.model import CellChangeKind
    from opparity.checker.analysis.verdict import CellVerdict


@dataclass(frozen=True, slots=True)
class PlatformState:
    """What a platform has of the operator at one point.

    Attributes:
        change: how it differs from the point before; SAME at the first.
    """

    platform: str
    verdict: CellVerdict
    guard: str
    change: CellChangeKind


@dataclass(frozen=True, slots=True)
class Point:
    """A release, or the tree after a commit.

    Attributes:
        label: the release's name or the commit's short name.
        date: YYYY-MM-DD of a commit; "" for a release.
        subject: a commit's subject; "" for a release.
        names: the operator's full names there; empty where it does not exist.
        states: one for each platform of `OperatorHistory.platforms`; None where the tree does not
            know the platform.
    """

    label: str
    date: str
    subject: str
    names: tuple[str, ...]
    states: tuple[PlatformState | None, ...]


@dataclass(frozen=True, slots=True)
class OperatorHistory:
    """The life of an operator, oldest point first.

    Attributes:
        looked_through: how many releases or commits were looked at or through.
        left_out: how many points were beyond the limit.
        is_shallow: whether the repository holds only the newest commits.
    """

    operator: str
    platforms: tuple[str, ...]
    points: tuple[Point, ...]
    looked_through: int
    left_out: int
    is_shallow: bool = False
