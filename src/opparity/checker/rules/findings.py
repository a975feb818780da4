"""What rules say: findings, and apart from them what could not be decided."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opparity.checker.facts.places import Location, Related


class Severity(StrEnum):
    """How bad a finding is; ERROR: it will fail to build, import or call on that platform."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a rule, for one platform ("" where it holds for every platform)."""

    rule: str
    name: str
    severity: Severity
    location: Location
    message: str
    platform: str = ""
    operator: str = ""
    symbol: str = ""
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a rule could not decide, and why."""

    rule: str
    name: str
    location: Location
    message: str
    platform: str = ""
    operator: str = ""
    symbol: str = ""
    related: tuple[Related, ...] = ()
