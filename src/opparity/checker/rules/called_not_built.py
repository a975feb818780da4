"""BLD002."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opparity.checker.analysis.emitted import Emitted
from opparity.checker.analysis.foreign_names import FOREIGN_NAMESPACES, OF_LIBRARIES
from opparity.checker.analysis.linking import is_linkable
from opparity.checker.analysis.nowhere import is_lost
from opparity.checker.analysis.whereabouts import find_symbol
from opparity.checker.facts.conditions import Truth, describe
from opparity.checker.facts.native import Declaration
from opparity.checker.facts.places import Related
from opparity.checker.languages.detection import COMPILED
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.borrowing import Borrowing
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Compiled, Link
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.analysis.wanted import Namespace
    from opparity.checker.analysis.whereabouts import Whereabouts
    from opparity.checker.facts.native import Reference
    from opparity.words.statements import Statement, Value

# Names that a toolkit may have on another platform, or in another version.
_OF_TOOLKITS = re.compile(r"^(?:__|atomic|cuda|cu[A-Z]|hip|nccl|rccl|cublas|cudnn|make_|to_string)")


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
            if compiled.is_listed or _may_lack(analysis, link, compiled):
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
        missing, further, hidden = _suspects(analysis, link, compiled)
        if not (missing or further or hidden):
            return
        file = compiled.file
        called = {*missing, *hidden}
        used = [
            *(
                each
                for each in file.references
                if each.symbol in called and _is_of_its_class(analysis, compiled, each)
            ),
            *_used_otherwise(analysis, compiled, further),
            *(each for each in file.tabled if each.symbol in missing),
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
        yield from self._lacking(analysis, link, compiled, borrowing, others, further - missing)

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
        sure = {
            declaration.signature.name
            for declaration in _visible_declarations(analysis, compiled)
            if references and compiled.truth(declaration.condition) is Truth.TRUE
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
            make = self.finding if certain and link.target.built is Truth.TRUE else self.unknown
            yield make(
                reference.location,
                _statement(reference, link, found),
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


def _may_lack(analysis: Analysis, link: Link, compiled: Compiled) -> bool:
    """Return whether a header's functions call what the tree has and the target lacks."""
    if not any(each.end_line for each in compiled.file.definitions):
        return False
    defined, declared = analysis.project.definitions, analysis.project.declarations
    for name in compiled.file.called:
        present = link.definitions.get(name)
        if present is None:
            if name in defined or name in declared:
                return True
        elif compiled.file.has_errors and all(part.file is compiled.file for _, part in present):
            # A method of that name calls it, whose class the grammar lost.
            counts = {len(each.signature.parameters) for each, _ in present}
            if any(len(each.signature.parameters) not in counts for each in declared.get(name, ())):
                return True
    return False


_Suspects = tuple[frozenset[str], frozenset[str], "dict[str, Declaration]"]


def _suspects(analysis: Analysis, link: Link, compiled: Compiled) -> _Suspects:
    """Return what a source uses, has a prototype of, and the target does not define.

    The names that it calls; those that it may use otherwise; and those that it calls and whose
    prototypes it does not see, each with one of them.
    """
    prototypes: dict[str, set[Namespace]] = {}
    counts: dict[str, set[int]] = {}
    unseen: dict[str, Declaration] = {}
    for declaration in _visible_declarations(analysis, compiled):
        name, namespace = declaration.signature.name, declaration.signature.namespace
        if name in namespace[-1:]:
            continue
        if compiled.truth(declaration.condition) is Truth.FALSE:
            unseen.setdefault(name, declaration)
        else:
            prototypes.setdefault(name, set()).add(namespace)
            counts.setdefault(name, set()).add(len(declaration.signature.parameters))
    bound = {
        name.rpartition("::")[2]
        for registration in compiled.file.registrations
        for name in (registration.symbol, *registration.mentioned)
    }
    macros = analysis.project.macro_definitions.keys()
    # What a registration binds is the business of BLD001.
    called = compiled.file.called | {each.symbol for each in compiled.file.tabled}
    names = (prototypes.keys() & called) - macros - bound
    path = compiled.file.path
    missing = frozenset(
        name for name in names if not _defines(link, name, prototypes[name], counts[name], path)
    )
    defined = analysis.project.definitions
    elsewhere = {name for name in prototypes if name in defined and name not in link.definitions}
    further = frozenset(elsewhere - macros - bound)
    hidden = {
        name: declaration
        for name, declaration in unseen.items()
        if name in compiled.file.called
        and name not in prototypes
        and name not in macros
        and _is_own(analysis, link, compiled, name)
    }
    hidden |= _guarded_in_its_file(analysis, compiled)
    return missing, further, hidden


def _guarded_in_its_file(analysis: Analysis, compiled: Compiled) -> dict[str, Declaration]:
    """Return what a file alone defines, under conditions that do not hold where it is compiled."""
    project, file = analysis.project, compiled.file
    bodies = {
        each.signature.name: each
        for each in file.definitions
        if compiled.truth(each.condition) is Truth.FALSE and not each.is_guessed
    }
    return {
        name: Declaration(body.signature, body.location, body.condition)
        for name, body in bodies.items()
        if name not in project.declarations
        and name not in project.macro_definitions
        and not _OF_TOOLKITS.search(name)
        and not file.has_errors
        and all(
            each.location.path == file.path and compiled.truth(each.condition) is Truth.FALSE
            for each in project.definitions[name]
        )
    }


def _is_own(analysis: Analysis, link: Link, compiled: Compiled, name: str) -> bool:
    """Return whether a function is the tree's alone: sources define it, and no visible file does.

    Where a header replaces what an older toolkit lacks, the toolkit has it elsewhere.
    """
    visible = {compiled.file.path, *analysis.linker.closure(compiled.file.path, compiled.unit)}
    definitions = analysis.project.definitions.get(name, ())
    seen = [each for each, part in link.definitions.get(name, ()) if part.file.path in visible]
    return (
        bool(definitions)
        and not seen
        and not _OF_TOOLKITS.search(name)
        and all(
            each.location.path.endswith(COMPILED) and not each.is_local and not each.is_inline
            for each in definitions
        )
    )


def _used_otherwise(
    analysis: Analysis, compiled: Compiled, names: frozenset[str]
) -> Iterator[Reference]:
    """Yield the uses of those names that are called on an object of their class, or passed on."""
    if not names:
        return
    further = analysis.further_uses.of(compiled.file)
    used = names & {each.symbol for each in (*further.methods, *further.passed)}
    declared: dict[str, list[Declaration]] = {}
    for declaration in _visible_declarations(analysis, compiled) if used else ():
        if declaration.signature.name in used:
            declared.setdefault(declaration.signature.name, []).append(declaration)
    for name, prototypes in declared.items():
        uses = further.passed
        if all(each.is_member for each in prototypes):
            classes = {each.signature.namespace for each in prototypes}
            if len(classes) > 1 or next(iter(classes))[-1] not in further.types:
                continue
            uses = further.methods
        yield from (each for each in uses if each.symbol == name)


def _defines(
    link: Link, name: str, namespaces: set[Namespace], counts: set[int], path: str
) -> bool:
    """Return whether a target is certain to define a function of a name in each namespace.

    Where the grammar lost its way a namespace may be lost, and the arguments have to fit.
    """
    definitions = [
        (definition, part)
        for definition, part in link.definitions.get(name, ())
        if is_linkable(definition, path)
        and part.truth(definition.condition) is Truth.TRUE
        and not (part.keeper and link.is_kept(definition, part, path))
    ]
    return all(
        any(
            definition.signature.namespace == namespace
            or (
                part.file.has_errors
                and (definition.is_guessed or len(definition.signature.parameters) in counts)
            )
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
    if not qualifier or qualifier[0] not in FOREIGN_NAMESPACES:
        return True
    return any(
        declaration.signature.name == reference.symbol
        and declaration.signature.namespace[-len(qualifier) :] == qualifier
        for declaration in _visible_declarations(analysis, compiled)
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
        for declaration in _visible_declarations(analysis, compiled)
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
