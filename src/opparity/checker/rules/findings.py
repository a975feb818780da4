"""What rules say: findings, and apart from them what could not be decided."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from opparity.checker.facts.records import fact

if TYPE_CHECKING:
    from opparity.checker.facts.places import Location, Related
    from opparity.words.statements import Statement


class Severity(StrEnum):
    """How bad a finding is; ERROR: it will fail to build, import or call on that platform."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Effect(StrEnum):
    """What follows on a platform where a finding holds, in the build at its defaults."""

    BUILD = "build fails"
    IMPORT = "import fails"  # of the extension: every operator of it is lost
    CALL = "call fails"  # of an operator; or the import of the Python module that reads it
    RESULT = "wrong result"
    NONE = "none"


@fact
class Finding:
    """One result of a rule, for one platform ("" where it holds for every platform)."""

    rule: str
    name: str
    severity: Severity
    effect: Effect
    location: Location
    statement: Statement
    platform: str = ""
    operator: str = ""
    symbol: str = ""
    related: tuple[Related, ...] = ()


@fact
class Unknown:
    """What a rule could not decide, and why; `effect` is what would follow if it were so."""

    rule: str
    name: str
    effect: Effect
    location: Location
    statement: Statement
    platform: str = ""
    operator: str = ""
    symbol: str = ""
    related: tuple[Related, ...] = ()
