"""BLD002."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.linking import is_linkable
from opparity.checker.analysis.whereabouts import find_symbol
from opparity.checker.facts.conditions import Truth
from opparity.checker.rules.base import Rule
from opparity.checker.rules.borrowing import Borrowing
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.analysis.wanted import Namespace
    from opparity.checker.analysis.whereabouts import Whereabouts
    from opparity.checker.facts.native import Declaration, Reference
    from opparity.words.statements import Statement, Value

# Of torch, the toolkits and their libraries.
_FOREIGN_NAMESPACES = frozenset(
    {"at", "c10", "torch", "pybind11", "std", "cuda", "cub", "thrust", "cutlass", "cute", "hip"}
    | {"rocprim", "hipcub", "sycl", "dnnl"}
)


class CalledNotBuilt(Rule):
    """A function is declared and called in a built source, and defined in none that is linked.

    ## Why is this bad?
    The prototype satisfies the compiler, the library links (shared libraries may have undefined
    symbols), and importing it fails with `undefined symbol`.
    It need not be an operator: any helper that another source defines will do.

    ## Example
    `activation.cu`, built for ROCm, calls `per_token_group_quant_8bit`, whose `.cu` is only in the
    CUDA list.

    ## Use instead
    Build the defining source wherever the calling one is built, or guard the call with a macro
    that the build defines on exactly those platforms.
    """

    code = "BLD002"
    name = "called-not-built"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each call of a declared function that the target does not define."""
        for platform in analysis.project.platforms:
            for link in analysis.linker.links_on(platform):
                yield from self.check_link(analysis, link)

    def check_link(self, analysis: Analysis, link: Link) -> Iterator[Finding | Unknown]:
        """Yield what one target lacks."""
        borrowing = Borrowing(link)
        for compiled in link.compiled:
            if compiled.is_listed:
                yield from self._check(analysis, link, compiled, borrowing)
        yield from borrowing.unknowns(self)

    def _check(
        self, analysis: Analysis, link: Link, compiled: Compiled, borrowing: Borrowing
    ) -> Iterator[Finding | Unknown]:
        missing = _suspects(analysis, link, compiled)
        if not missing:
            return
        reported: set[tuple[str, Statement]] = set()
        for reference in (*compiled.file.references, *compiled.file.tabled):
            if reference.symbol not in missing:
                continue
            use = compiled.use(reference.condition)
            if use.truth is Truth.FALSE:
                continue
            if reference.is_in_template or not _is_entered(compiled, reference.inside):
                continue
            if not _is_declared(analysis, compiled, reference):
                continue
            scope = tuple(reference.inside.split("::")[:-1])
            found = find_symbol(
                analysis, link, reference.symbol, use, scope, qualifier=reference.qualifier
            )
            told = (reference.symbol, found.reason)
            if found.answer is Truth.TRUE or found.is_nowhere or told in reported:
                continue
            reported.add(told)
            if found.provider:
                borrowing.note(found.provider, reference.symbol, reference.location, found.related)
                continue
            certain = found.answer is Truth.FALSE and use.truth is Truth.TRUE
            make = self.finding if certain and link.target.built is Truth.TRUE else self.unknown
            yield make(
                reference.location,
                _statement(reference, link, found),
                platform=link.platform.label,
                symbol=reference.symbol,
                related=found.related,
            )


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


def _suspects(analysis: Analysis, link: Link, compiled: Compiled) -> frozenset[str]:
    """Return the names that a source calls, has a prototype of, and the target does not define."""
    prototypes: dict[str, set[Namespace]] = {}
    for declaration in _visible_declarations(analysis, compiled):
        name, namespace = declaration.signature.name, declaration.signature.namespace
        if name in namespace[-1:] or compiled.truth(declaration.condition) is Truth.FALSE:
            continue
        prototypes.setdefault(name, set()).add(namespace)
    bound = {
        name.rpartition("::")[2]
        for registration in compiled.file.registrations
        for name in (registration.symbol, *registration.mentioned)
    }
    # What a registration binds is the business of BLD001.
    called = compiled.file.called | {each.symbol for each in compiled.file.tabled}
    names = (prototypes.keys() & called) - analysis.project.macro_definitions.keys() - bound
    path = compiled.file.path
    return frozenset(name for name in names if not _defines(link, name, prototypes[name], path))


def _defines(link: Link, name: str, namespaces: set[Namespace], path: str) -> bool:
    """Return whether a target is certain to define a function of a name in each namespace."""
    definitions = [
        (definition, part)
        for definition, part in link.definitions.get(name, ())
        if is_linkable(definition, path) and part.truth(definition.condition) is Truth.TRUE
    ]
    return all(
        any(
            part.file.has_errors or definition.signature.namespace == namespace
            for definition, part in definitions
        )
        for namespace in namespaces
    )


def _visible_declarations(analysis: Analysis, compiled: Compiled) -> Iterator[Declaration]:
    for path in (compiled.file.path, *analysis.linker.closure(compiled.file.path, compiled.unit)):
        yield from analysis.project.native[path].declarations


def _is_declared(analysis: Analysis, compiled: Compiled, reference: Reference) -> bool:
    """Return whether a name may be one of the prototypes that its file sees.

    `at::empty` is torch's, whatever `at::vendor::empty` a header of the tree declares. Of other
    qualifiers nothing is asked: a class may have its function from another one.
    """
    qualifier = reference.qualifier
    if not qualifier or qualifier[0] not in _FOREIGN_NAMESPACES:
        return True
    return any(
        declaration.signature.name == reference.symbol
        and declaration.signature.namespace[-len(qualifier) :] == qualifier
        for declaration in _visible_declarations(analysis, compiled)
    )


def _is_entered(compiled: Compiled, inside: str) -> bool:
    """Return whether what is around a call is certain to be emitted: not local and unused."""
    if not inside:
        return True
    around = [d for d in compiled.file.definitions if d.signature.qualified == inside]
    return any(not d.is_local or d.signature.name in compiled.file.called for d in around)
