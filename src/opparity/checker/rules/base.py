"""What every rule is: a code, a name, a docstring that is its page, and one pure function."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from opparity.checker.rules.findings import Finding, Severity, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.places import Location, Related


class Rule(ABC):
    """A rule of the checker; the docstring of a subclass is its documentation page."""

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]

    @abstractmethod
    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield what the rule finds, and apart from it what it cannot decide."""

    @classmethod
    def page(cls) -> str:
        """Return the documentation page, in Markdown."""
        return inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def summary(cls) -> str:
        """Return the page's first sentence."""
        return cls.page().partition("\n\n")[0].replace("\n", " ")

    @classmethod
    def remedy(cls) -> str:
        """Return what to do, in one sentence: the first under "Use instead"."""
        _, _, advice = cls.page().partition("## Use instead\n")
        return re.split(r"(?<=\.)\s", " ".join(advice.partition("\n\n")[0].split()), maxsplit=1)[0]

    def finding(
        self,
        location: Location,
        message: str,
        *,
        platform: str = "",
        operator: str = "",
        symbol: str = "",
        related: Iterable[Related] = (),
        severity: Severity | None = None,
    ) -> Finding:
        """Return a finding of this rule, with the rule's severity unless another is given."""
        return Finding(
            rule=self.code,
            name=self.name,
            severity=severity or self.severity,
            location=location,
            message=message,
            platform=platform,
            operator=operator,
            symbol=symbol,
            related=tuple(related),
        )

    def unknown(
        self,
        location: Location,
        message: str,
        *,
        platform: str = "",
        operator: str = "",
        symbol: str = "",
        related: Iterable[Related] = (),
    ) -> Unknown:
        """Return what this rule could not decide."""
        return Unknown(
            rule=self.code,
            name=self.name,
            location=location,
            message=message,
            platform=platform,
            operator=operator,
            symbol=symbol,
            related=tuple(related),
        )
