"""What every rule is: a code, a name, a docstring that is its page, and one pure function."""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.places import Location, Related
    from opparity.words.statements import Statement


class Rule(ABC):
    """A rule of the checker; the docstring of a subclass is its documentation page.

    Attributes:
        severity: of its findings, unless one says otherwise; `effect` likewise.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    severity: ClassVar[Severity]
    effect: ClassVar[Effect]

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
        statement: Statement,
        *,
        platform: str = "",
        operator: str = "",
        symbol: str = "",
        related: Iterable[Related] = (),
        severity: Severity | None = None,
        effect: Effect | None = None,
    ) -> Finding:
        """Return a finding, with the rule's severity and effect unless others are given."""
        return Finding(
            rule=self.code,
            name=self.name,
            severity=severity or self.severity,
            effect=effect or self.effect,
            location=location,
            statement=statement,
            platform=platform,
            operator=operator,
            symbol=symbol,
            related=tuple(related),
        )

    def unknown(
        self,
        location: Location,
        statement: Statement,
        *,
        platform: str = "",
        operator: str = "",
        symbol: str = "",
        related: Iterable[Related] = (),
        effect: Effect | None = None,
    ) -> Unknown:
        """Return what this rule could not decide."""
        return Unknown(
            rule=self.code,
            name=self.name,
            effect=effect or self.effect,
            location=location,
            statement=statement,
            platform=platform,
            operator=operator,
            symbol=symbol,
            related=tuple(related),
        )


class LinkRule(Rule):
    """A rule that looks at each library of each platform by itself."""

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield what the rule finds in each library, and what it cannot decide there."""
        for platform in analysis.project.platforms:
            for link in analysis.linker.links_on(platform):
                yield from self.check_link(analysis, link)

    @abstractmethod
    def check_link(self, analysis: Analysis, link: Link) -> Iterator[Finding | Unknown]:
        """Yield what the rule finds in one library, and what it cannot decide there."""
