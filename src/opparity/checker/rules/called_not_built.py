"""BLD002."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from opparity.checker.analysis.doubts import because, doubts_of
from opparity.checker.analysis.emitted import Emitted
from opparity.checker.analysis.foreign_names import FOREIGN_NAMESPACES, OF_LIBRARIES
from opparity.checker.analysis.nowhere import is_lost
from opparity.checker.analysis.suspects import (
    may_lack,
    suspects_of,
    used_otherwise,
    visible_declarations,
)
from opparity.checker.analysis.whereabouts import find_symbol
from opparity.checker.facts.conditions import Truth, describe, evaluate
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.borrowing import Borrowing
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.analysis.whereabouts import Whereabouts
    from opparity.checker.facts.native import Declaration, Reference
    from opparity.words.statements import Statement, Value


class CalledNotBuilt(LinkRule):
    """A function is declared and called in a built source, and defined in none that is linked.

    ## Why is this bad?
    The prototype satisfies the compiler, the library links (shared libraries may have undefined
    symbols), and importing it fails with `undefined symbol`.
    It need not be an operator: any helper that another source defines will do, and any function of
    the file itself that is left out by a guard where its caller is not.

    ## Example
    `activation.cu`, built for ROCm, calls `per_token_group_quant_8bit`, whose `.cu` is only in the
    CUDA list. A helper that the tree declares beside others, and that no file defines.

    ## Use instead
    Build the defining source wherever the calling one is built, or guard the call with a macro
    that the build defines on exactly those platforms.

    ## Before and after
    Before, in `CMakeLists.txt`:

    ```cmake
    set(SOURCES csrc/activation.cu)
    if(LANGUAGE STREQUAL "CUDA")
      list(APPEND SOURCES csrc/group_quant.cu)
    endif()
    ```

    After:

    ```cmake
    set(SOURCES csrc/activation.cu csrc/group_quant.cu)
    ```
    """

    code = "BLD002"
    name = "called-not-built"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check_link(self, analysis: Analysis, link: Link) -> Iterator[Finding | Unknown]:
        """Yield each call of a declared function that the target does not define."""
        borrowing = Borrowing(link)
        emitted = Emitted(link)
        for compiled in link.compiled:
            if compiled.is_listed or may_lack(analysis, link, compiled):
                yield from self._check(analysis, link, compiled, borrowing, emitted)
        yield from borrowing.unknowns(self)

    def _check(
        self,
        analysis: Analysis,
        link: Link,
        compiled: Compiled,
        borrowing: Borrowing,
        emitted: Emitted,
    ) -> Iterator[Finding | Unknown]:
        suspects = suspects_of(analysis, link, compiled)
        missing, hidden = suspects.called, suspects.hidden
        constructors = list(analysis.constructors.lacking(link, compiled))
        if not (missing or suspects.further or hidden or constructors):
            return
        file = compiled.file
        called = {*missing, *hidden}
        used = [
            *(
                each
                for each in file.references
                if each.symbol in called and _is_of_its_class(analysis, compiled, each)
            ),
            *used_otherwise(analysis, compiled, suspects.further),
            *(each for each in file.tabled if each.symbol in missing),
            *constructors,
        ]
        emitting = [
            reference
            for reference in used
            if not reference.is_in_template
            and compiled.use(reference.condition).truth is not Truth.FALSE
            and _is_entered(compiled, reference, emitted)
            and _is_declared(analysis, compiled, reference)
        ]
        for reference in emitting:
            is_sure = compiled.use(reference.condition).truth is Truth.TRUE
            if reference.symbol in hidden and is_sure and link.target.built is Truth.TRUE:
                yield self._undeclared(link, reference, hidden[reference.symbol])
        others = [each for each in emitting if each.symbol not in hidden]
        further = (suspects.further | {each.symbol for each in constructors}) - missing
        yield from self._lacking(analysis, link, compiled, borrowing, others, further)

    def _lacking(
        self,
        analysis: Analysis,
        link: Link,
        compiled: Compiled,
        borrowing: Borrowing,
        references: list[Reference],
        further: frozenset[str],
    ) -> Iterator[Finding | Unknown]:
        """Yield those functions that the target does not define, each reason once."""
        # What a prototype under an open condition names may as well be another library's.
        used = {reference.symbol for reference in references}
        sure = {
            declaration.signature.name
            for declaration in (visible_declarations(analysis, compiled) if used else ())
            if declaration.signature.name in used
            and compiled.truth(declaration.condition) is Truth.TRUE
        }
        reported: set[tuple[str, Statement]] = set()
        for reference in references:
            use = compiled.use(reference.condition)
            scope = tuple(reference.inside.split("::")[:-1])
            found = find_symbol(
                analysis, link, reference.symbol, use, scope, qualifier=reference.qualifier
            )
            told = (reference.symbol, found.reason)
            if found.answer is Truth.TRUE or told in reported:
                continue
            symbol = "::".join((*reference.qualifier, reference.symbol))
            if found.is_nowhere and not is_lost(analysis, link, symbol, use, is_declared=True):
                continue
            reported.add(told)
            if found.is_borrowed:
                borrowing.note(found, reference.symbol, reference.location)
                continue
            is_sure = reference.symbol in sure and use.truth is Truth.TRUE
            certain = (found.answer is Truth.FALSE or found.is_nowhere) and is_sure
            if not certain and (not compiled.is_listed or reference.symbol in further):
                continue  # what is open of a header is open of each source that includes it
            is_error = certain and link.target.built is Truth.TRUE
            make = self.finding if is_error else self.unknown
            statement = _statement(reference, link, found)
            if not is_error:
                doubts = doubts_of(analysis, link, reference.symbol, use, found)
                unseen = (
                    () if reference.symbol in sure else _prototypes(analysis, compiled, reference)
                )
                statement = because(statement, chain(doubts, unseen))
            yield make(
                reference.location,
                statement,
                platform=link.platform.label,
                symbol=reference.symbol,
                related=found.related,
            )

    def _undeclared(
        self, link: Link, reference: Reference, declaration: Declaration
    ) -> Finding | Unknown:
        # A loader gives flags of its own to what is built on demand.
        make = self.unknown if link.target.kind == "jit" else self.finding
        return make(
            reference.location,
            state(
                "BLD002.undeclared",
                inside=reference.inside,
                symbol=reference.symbol,
                target=link.target.name,
                platform=link.platform.label,
                guard=describe(declaration.condition),
            ),
            platform=link.platform.label,
            symbol=reference.symbol,
            related=[Related(declaration.location, state("place.declared"))],
            effect=Effect.BUILD,
        )


def _prototypes(
    analysis: Analysis, compiled: Compiled, reference: Reference
) -> Iterator[Statement]:
    """Yield the conditions under which a function's prototypes are seen, each as a clause."""
    for declaration in visible_declarations(analysis, compiled):
        is_open = evaluate(declaration.condition, compiled.unit) is Truth.UNKNOWN
        if declaration.signature.name == reference.symbol and is_open:
            yield state("doubt.prototype", condition=describe(declaration.condition))


def _statement(reference: Reference, link: Link, found: Whereabouts) -> Statement:
    values: dict[str, Value] = {
        "symbol": reference.symbol,
        "target": link.target.name,
        "platform": link.platform.label,
        "reason": found.reason,
    }
    if reference.inside:
        return state("BLD002.called", inside=reference.inside, **values)
    return state("BLD002.tabled", **values)


def _is_declared(analysis: Analysis, compiled: Compiled, reference: Reference) -> bool:
    """Return whether a name may be one of the prototypes that its file sees.

    `at::empty` is torch's, whatever `at::vendor::empty` a header of the tree declares. Of other
    qualifiers nothing is asked: a class may have its function from another one.
    """
    qualifier = reference.qualifier
    if not qualifier or qualifier[0] not in FOREIGN_NAMESPACES:
        return True
    return any(
        declaration.signature.name == reference.symbol
        and declaration.signature.namespace[-len(qualifier) :] == qualifier
        for declaration in visible_declarations(analysis, compiled)
    )


def _is_of_its_class(analysis: Analysis, compiled: Compiled, reference: Reference) -> bool:
    """Return whether a plain name may be a function that is seen: of a class only inside of one.

    `connect(…)` in a plain function is the system's, whatever class has a `connect`.
    """
    if reference.qualifier:
        return True
    if OF_LIBRARIES.match(reference.symbol):
        return False
    seen = [
        declaration
        for declaration in visible_declarations(analysis, compiled)
        if declaration.signature.name == reference.symbol
    ]
    if not seen or not all(each.is_member for each in seen) or not reference.inside:
        return True
    classes = {each.signature.namespace[-1] for each in seen}
    if not any(
        each.signature.namespace[-1:] and each.signature.namespace[-1] in classes
        for each in analysis.project.definitions.get(reference.symbol, ())
    ):
        return False  # the body of the method was not found: another's is no answer
    around = reference.inside.split("::")[:-1]
    inside = [each for each in compiled.file.definitions if each.signature.name in around[-1:]]
    is_method = bool(around) and (around[-1][:1].isupper() or bool(inside))
    return is_method or any(each.signature.namespace[-1] in around for each in seen)


def _is_entered(compiled: Compiled, reference: Reference, emitted: Emitted) -> bool:
    """Return whether what is around a use is certain to be emitted: not local and unused."""
    if not reference.inside:
        return True
    if reference.is_in_inline or not compiled.is_listed:
        return emitted.is_sure(reference.inside.rpartition("::")[2])
    around = [d for d in compiled.file.definitions if d.signature.qualified == reference.inside]
    return any(not d.is_local or d.signature.name in compiled.file.called for d in around)
