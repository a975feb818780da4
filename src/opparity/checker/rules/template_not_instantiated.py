"""BLD008."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from opparity.checker.analysis.class_templates import IS_PLAIN, absent_instances
from opparity.checker.analysis.given_arguments import GivenArguments
from opparity.checker.analysis.nowhere import is_instance_lost, is_template_lost
from opparity.checker.analysis.types import canonical
from opparity.checker.analysis.wanted import names
from opparity.checker.facts.conditions import Truth, evaluate
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Definition, Reference
    from opparity.words.statements import Statement

_SOURCES = (".c", ".cc", ".cpp", ".cu", ".cxx", ".hip")
_MOST_PLACES = 3


class TemplateNotInstantiated(LinkRule):
    """A built source calls a function template that is instantiated only in sources left out.

    ## Why is this bad?
    A template that a source declares and does not define is not instantiated there.
    Some other source must do it explicitly, for exactly these arguments; if that one is not
    built, the extension dies with `undefined symbol` when it is imported.
    So it is with a class template whose members have their bodies in another source.
    A template that is instantiated explicitly and has a body nowhere does not compile at all.
    Which arguments a call is compiled with often depends on macros and constants, so this is
    mostly listed as unknown: no instantiation at all, or some in sources that the target leaves
    out although its macros ask for them.

    ## Example
    `run_mha_fwd_<Arch, half, 64>(…)` in `flash_api.cpp`, and of `flash_fwd_hdim64_sm80.cu` and
    `flash_fwd_hdim64_sm90.cu`, which instantiate it for 80 and 90, only the second is listed,
    while `-DDISABLE_SM8X` is not set.

    ## Use instead
    List the instantiating sources, or define the macro that leaves the calls out.

    ## Before and after
    Before, in `csrc/scale.cpp`:

    ```cpp
    template <typename T>
    at::Tensor scale(const at::Tensor& input, T factor) { return input * factor; }

    template at::Tensor scale<float>(const at::Tensor&, float);
    ```

    After:

    ```cpp
    template <typename T>
    at::Tensor scale(const at::Tensor& input, T factor) { return input * factor; }

    template at::Tensor scale<float>(const at::Tensor&, float);
    template at::Tensor scale<int64_t>(const at::Tensor&, int64_t);
    ```
    """

    code = "BLD008"
    name = "template-not-instantiated"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check_link(self, analysis: Analysis, link: Link) -> Iterator[Finding | Unknown]:
        """Yield each template that a source calls and whose instantiations a target lacks."""
        told: set[str] = set()
        for compiled in link.compiled:
            for result in self._check(analysis, link, compiled) if compiled.is_listed else ():
                told.add(result.symbol)
                yield result
        if link.is_complete is Truth.TRUE and link.target.built is Truth.TRUE:
            yield from self._classes(analysis, link)
            yield from self._instances(analysis, link, told)

    def _classes(self, analysis: Analysis, link: Link) -> Iterator[Finding]:
        for made, instances in absent_instances(analysis.project, link):
            places = [
                Related(each.location, state("place.instantiated", name=each.name))
                for each in instances
            ]
            yield self.finding(
                made.location,
                state(
                    "BLD008.fewer",
                    inside=made.inside,
                    symbol=_instance(made.name, made.arguments),
                    target=link.target.name,
                    platform=link.platform.label,
                    instances=tuple(_instance(each.name, each.arguments) for each in instances),
                ),
                platform=link.platform.label,
                symbol=made.name,
                related=places[:_MOST_PLACES],
            )

    def _instances(self, analysis: Analysis, link: Link, told: set[str]) -> Iterator[Finding]:
        """Yield the first instantiation of each template that has a body nowhere."""
        for compiled in link.compiled:
            for each in compiled.file.definitions:
                name = each.signature.name
                if not each.is_instantiation or name in told:
                    continue
                if is_instance_lost(analysis, link, name, compiled.use(each.condition)):
                    told.add(name)
                    said = state(
                        "BLD008.instance",
                        symbol=_instance(name, each.arguments) if each.arguments else name,
                        target=link.target.name,
                        platform=link.platform.label,
                    )
                    yield self.finding(
                        each.location,
                        said,
                        platform=link.platform.label,
                        symbol=name,
                        effect=Effect.BUILD,
                    )

    def _check(
        self, analysis: Analysis, link: Link, compiled: Compiled
    ) -> Iterator[Finding | Unknown]:
        suspects = _declared_only(analysis, compiled)
        if not suspects:
            return
        calls: dict[str, list[Reference]] = {}
        for call in compiled.file.references:
            is_open = compiled.truth(call.condition) is not Truth.FALSE
            if call.symbol in suspects and is_open:
                calls.setdefault(call.symbol, []).append(call)
        for symbol, every in calls.items():
            lost = [each for each in every if _is_lost(analysis, link, compiled, each)]
            if lost:
                yield self._nowhere(link, lost[0])
                continue
            found = [each for each in every if each.arguments]
            if not found:
                continue
            absent = _surely_absent(analysis, link, compiled, found)
            if absent is not None:
                yield self._fewer(link, absent)
                continue
            call, reason, related = _missing(analysis, link, compiled, found)
            if reason:
                yield self.unknown(
                    call.location,
                    state(
                        "BLD008.called",
                        inside=call.inside,
                        symbol=_instance(symbol, call.arguments),
                        target=link.target.name,
                        platform=link.platform.label,
                        reason=reason,
                    ),
                    platform=link.platform.label,
                    symbol=symbol,
                    related=related,
                )

    def _nowhere(self, link: Link, call: Reference) -> Finding:
        present = [each for each, _ in link.definitions.get(call.symbol, ())]
        return self.finding(
            call.location,
            state(
                "BLD008.bodiless",
                inside=call.inside,
                symbol=call.symbol,
                target=link.target.name,
                platform=link.platform.label,
            ),
            platform=link.platform.label,
            symbol=call.symbol,
            related=_places(present[:_MOST_PLACES]),
        )

    def _fewer(self, link: Link, call: Reference) -> Finding:
        present = [each for each, _ in link.definitions[call.symbol] if each.is_instantiation]
        return self.finding(
            call.location,
            state(
                "BLD008.fewer",
                inside=call.inside,
                symbol=_instance(call.symbol, call.arguments),
                target=link.target.name,
                platform=link.platform.label,
                instances=tuple(
                    dict.fromkeys(_instance(call.symbol, each.arguments) for each in present)
                ),
            ),
            platform=link.platform.label,
            symbol=call.symbol,
            related=_places(present[:_MOST_PLACES]),
        )


def _is_lost(analysis: Analysis, link: Link, compiled: Compiled, call: Reference) -> bool:
    """Return whether a call is surely compiled, and of a template that has a body nowhere."""
    if call.is_in_template or call.qualifier[:1] in (("std",), ("at",), ("c10",), ("torch",)):
        return False
    return is_template_lost(analysis, link, call.symbol, compiled.use(call.condition))


def _surely_absent(
    analysis: Analysis, link: Link, compiled: Compiled, calls: Sequence[Reference]
) -> Reference | None:
    """Return a call with arguments that mean themselves, and for which nothing is instantiated.

    The source that defines the template instantiates it by its name alone: where it calls it as
    well, or a macro stands for an instantiation, more may be instantiated.
    """
    linked = link.definitions.get(calls[0].symbol, ())
    bodies = [part for each, part in linked if each.is_template]
    instances = [each for each, _ in linked if each.is_instantiation]
    is_known = (
        link.is_complete is Truth.TRUE
        and link.target.built is Truth.TRUE
        and bool(bodies)
        and bool(instances)
        and all(each.arguments for each in instances)
        and not any(
            written in analysis.project.macro_definitions
            for each in instances
            for written in each.arguments
        )
    )
    if not is_known or any(
        each.symbol == calls[0].symbol for part in bodies for each in part.file.references
    ):
        return None
    present = {tuple(map(canonical, each.arguments)) for each in instances}
    for call in calls:
        is_sure = compiled.truth(call.condition) is Truth.TRUE
        is_plain = all(IS_PLAIN.match(each) for each in call.arguments)
        given = tuple(map(canonical, call.arguments))
        counts = {len(each) for each in present}
        if is_sure and is_plain and counts == {len(given)} and given not in present:
            return call
    return None


def _declared_only(analysis: Analysis, compiled: Compiled) -> frozenset[str]:
    """Return the templates that a source calls, sees declared, and does not see defined."""
    visible = [compiled.file.path, *analysis.linker.closure(compiled.file.path, compiled.unit)]
    declared: set[str] = set()
    for path in visible:
        for template in analysis.project.native[path].templates:
            if compiled.truth(template.condition) is not Truth.FALSE:
                declared.add(template.signature.name)
    declared &= compiled.file.called
    for path in visible if declared else ():
        for definition in analysis.project.native[path].definitions:
            if definition.is_template or definition.is_guessed:
                declared.discard(definition.signature.name)
    return frozenset(declared)


def _missing(
    analysis: Analysis, link: Link, compiled: Compiled, calls: Sequence[Reference]
) -> tuple[Reference, Statement | None, list[Related]]:
    """Return which call seems to lack its instantiation, why (or None), and where others are."""
    first, symbol = calls[0], calls[0].symbol
    linked = [
        (definition, part)
        for definition, part in link.definitions.get(symbol, ())
        if part.truth(definition.condition) is not Truth.FALSE
    ]
    elsewhere = [d for d in analysis.project.definitions.get(symbol, ()) if names(symbol, d)]
    if not linked:
        if not elsewhere:
            return first, None, []  # from outside the tree
        reason = state("BLD008.generated")
        if link.is_complete is Truth.TRUE:
            reason = state("BLD008.nowhere")
        return first, reason, _places(elsewhere)
    present_for = {definition.arguments for definition, _ in linked}
    calls = [call for call in calls if call.arguments not in present_for]
    folders = {posixpath.dirname(definition.location.path) for definition, _ in linked}
    present = {part.file.path for part in link.compiled}
    arguments = GivenArguments(analysis, compiled)
    left_out = [
        definition
        for definition in elsewhere
        if definition.arguments
        and definition.location.path not in present
        and definition.location.path.endswith(_SOURCES)
        and posixpath.dirname(definition.location.path) in folders
        and evaluate(definition.condition, compiled.unit) is not Truth.FALSE
        and any(arguments.may_be(call, definition) for call in calls)
        and definition.arguments not in present_for
    ]
    if not left_out:
        return first, None, []
    absent = left_out[0]
    call = next(call for call in calls if arguments.may_be(call, absent))
    values = {"source": absent.location.path, "instance": _instance(symbol, absent.arguments)}
    reason = state("BLD008.unlisted", **values)
    if len(left_out) > 1:
        reason = state("BLD008.unlisted_and_others", count=len(left_out) - 1, **values)
    return call, reason, _places(left_out)


def _instance(symbol: str, arguments: Iterable[str]) -> str:
    return f"{symbol}<{', '.join(arguments)}>"


def _places(definitions: Sequence[Definition]) -> list[Related]:
    return [
        Related(
            each.location,
            state(
                "place.instantiated" if each.arguments else "place.defined_name",
                name=each.signature.name,
            ),
        )
        for each in definitions[:_MOST_PLACES]
    ]
