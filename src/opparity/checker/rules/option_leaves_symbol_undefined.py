"""BLD009."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.called_not_built import CalledNotBuilt
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.checker.rules.registered_not_built import RegisteredNotBuilt
from opparity.checker.rules.template_not_instantiated import TemplateNotInstantiated
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.builds import Choice
    from opparity.checker.facts.platforms import Platform

_MOST_NAMED = 5


class OptionLeavesSymbolUndefined(Rule):
    """A build option that is not at its default leaves a registered or called function undefined.

    ## Why is this bad?
    The build offers the option, and with it the extension does not link, or cannot be imported;
    whoever tests the defaults does not see it.
    Every option is tried alone: a switch turned over, and a list without each of its elements.
    What the default builds lack already is left to the other rules.
    It is an error where the option switches something on; where it leaves something out, a
    warning; and for lists what cannot be decided is unknown.

    ## Example
    `option(HIP_PREFILL OFF)` adds `-DHAVE_PREFILL` and `prefill.cpp`: the call is under
    `#if defined(HAVE_PREFILL) || defined(HAVE_SM80_PREFILL)`, and the definition under
    `#ifdef HAVE_SM80_PREFILL`.

    ## Use instead
    Guard the definition and the call by the same condition.

    ## Before and after
    Before, in `src/flashprefill.cpp`:

    ```cpp
    #ifdef HAVE_SM80_FLASHPREFILL
    int flash_prefill_forward_bf16(const void* query, void* out) { return query == out; }
    #endif
    ```

    After:

    ```cpp
    #if defined(HAVE_FLASHPREFILL) || defined(HAVE_SM80_FLASHPREFILL)
    int flash_prefill_forward_bf16(const void* query, void* out) { return query == out; }
    #endif
    ```
    """

    code = "BLD009"
    name = "option-leaves-symbol-undefined"
    severity = Severity.ERROR
    # With the build at its defaults nothing fails.
    effect = Effect.NONE

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield what a target lacks with an option, and has by default."""
        for platform in analysis.project.platforms:
            known: set[tuple[str, str]] | None = None
            for choice, link in analysis.linker.variants_on(platform):
                known = _lacking_by_default(analysis, platform) if known is None else known
                lacking = [
                    result
                    for result in _lacking(analysis, link)
                    if (link.target.name, result.symbol) not in known
                ]
                open_ones = [result for result in lacking if _is_open_function(result)]
                alone = lacking if len(open_ones) <= 1 else _without(lacking, open_ones)
                yield from (self._told(result, choice) for result in alone)
                if len(open_ones) > 1:
                    yield self._undecided(open_ones, choice, link)

    def _undecided(self, unknowns: list[Finding | Unknown], choice: Choice, link: Link) -> Unknown:
        """Return one unknown for all the functions that an option leaves open in a target."""
        label = link.platform.label
        return self.unknown(
            unknowns[0].location,
            state(
                "BLD009.undecided",
                option=str(choice),
                target=link.target.name,
                symbols=tuple(sorted({each.symbol for each in unknowns})),
                platform=label,
            ),
            platform=label,
            related=[
                *(
                    Related(each.location, state("place.needed", name=each.symbol))
                    for each in unknowns
                ),
                Related(choice.location, state("place.option")),
            ],
        )

    def _told(self, result: Finding | Unknown, choice: Choice) -> Finding | Unknown:
        told = replace(
            result,
            rule=self.code,
            name=self.name,
            effect=self.effect,
            statement=state("result.with_option", option=str(choice), told=result.statement),
            related=(*result.related, Related(choice.location, state("place.option"))),
        )
        if isinstance(told, Finding) and not choice.is_offered:
            return replace(told, severity=Severity.WARNING)
        return told


def _is_open_function(result: Finding | Unknown) -> bool:
    """Return whether a result is an unknown of one function; of a template each use counts."""
    is_template = result.rule == TemplateNotInstantiated.code
    return isinstance(result, Unknown) and bool(result.symbol) and not is_template


def _without(
    results: list[Finding | Unknown], others: list[Finding | Unknown]
) -> list[Finding | Unknown]:
    return [result for result in results if not any(result is other for other in others)]


def _lacking(analysis: Analysis, link: Link) -> Iterator[Finding | Unknown]:
    for rule in (RegisteredNotBuilt(), CalledNotBuilt(), TemplateNotInstantiated()):
        yield from rule.check_link(analysis, link)


def _lacking_by_default(analysis: Analysis, platform: Platform) -> set[tuple[str, str]]:
    return {
        (link.target.name, result.symbol)
        for link in analysis.linker.links_on(platform)
        for result in _lacking(analysis, link)
    }
