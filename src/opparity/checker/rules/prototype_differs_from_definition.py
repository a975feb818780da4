"""DEF005."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from opparity.checker.analysis.foreign_names import FOREIGN_NAMESPACES
from opparity.checker.analysis.types import same_type
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import LinkRule
from opparity.checker.rules.findings import Effect, Finding, Severity
from opparity.checker.rules.versions import in_each_version
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Declaration, Definition, Signature


class PrototypeDiffersFromDefinition(LinkRule):
    """A function's prototype and its definition have other parameters, or another return type.

    ## Why is this bad?
    With other parameters they are two functions: what is called or registered through the
    prototype is never defined, and the import fails with `undefined symbol`.
    Another return type is part of the name for MSVC only: the build fails on Windows alone.

    ## Example
    `int launch(Tensor x);` in the bindings, `void launch(Tensor x) { … }` in the kernel's source.

    ## Use instead
    Put the prototype in a header that the defining source includes: then the compiler compares.

    ## Before and after
    Before, in `csrc/kernel.cu`:

    ```cuda
    void launch(at::Tensor& out, double rows) {}
    ```

    After:

    ```cuda
    void launch(at::Tensor& out, int64_t rows) {}
    ```
    """

    code = "DEF005"
    name = "prototype-differs-from-definition"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check_link(self, analysis: Analysis, link: Link) -> Iterator[Finding]:
        """Yield each needed prototype that no definition of its name matches."""
        yield from in_each_version(analysis, link, partial(self._check_link, analysis.project))

    def _check_link(self, project: Project, link: Link) -> Iterator[Finding]:
        seen: set[tuple[str, int]] = set()
        for compiled in link.compiled:
            for declaration in compiled.file.declarations:
                key = (declaration.location.path, declaration.location.line)
                if key in seen or compiled.truth(declaration.condition) is not Truth.TRUE:
                    continue
                seen.add(key)
                yield from self._check(project, link, declaration)

    def _check(self, project: Project, link: Link, declaration: Declaration) -> Iterator[Finding]:
        wanted = declaration.signature
        if wanted.name in wanted.namespace[-1:] or wanted.name.startswith(("~", "operator")):
            return
        built = [
            (definition, part)
            for definition, part in link.definitions.get(wanted.name, ())
            if definition.signature.namespace == wanted.namespace
            and part.truth(definition.condition) is Truth.TRUE
        ]
        # Where the grammar lost its way, what counts is one list that goes on after the other.
        astray = any(part.file.has_errors for _, part in built)
        if not built or any(not _is_comparable(definition) for definition, _ in built):
            return
        if astray and (
            project.native[declaration.location.path].has_errors
            or FOREIGN_NAMESPACES.intersection(wanted.namespace)
            or not all(_has_more(wanted, each.signature) for each, _ in built)
        ):
            return
        matching = [d for d, _ in built if _same_parameters(wanted, d.signature)]
        other = built[0][0]
        related = [Related(other.location, state("place.defined"))]
        if not matching:
            alone = len(project.declarations[wanted.name]) == 1
            # Beside the prototype stands another function of that name.
            beside = any(each.location.path == declaration.location.path for each, _ in built)
            if alone and not beside and _is_needed(link, wanted):
                yield self.finding(
                    declaration.location,
                    state(
                        "DEF005.parameters",
                        function=f"{wanted.qualified}({_listed(wanted)})",
                        target=link.target.name,
                        platform=link.platform.label,
                        other=f"({_listed(other.signature)})",
                    ),
                    platform=link.platform.label,
                    symbol=wanted.qualified,
                    related=related,
                    severity=Severity.WARNING if astray else Severity.ERROR,
                )
        elif not any(_same_return(wanted, d.signature) for d in matching):
            yield self.finding(
                declaration.location,
                state(
                    "DEF005.returned",
                    function=wanted.qualified,
                    declared=wanted.return_type,
                    defined=matching[0].signature.return_type,
                ),
                symbol=wanted.qualified,
                related=[Related(matching[0].location, state("place.defined"))],
                severity=Severity.WARNING,
                effect=Effect.NONE,  # but on Windows
            )


def _is_comparable(definition: Definition) -> bool:
    return not (definition.is_guessed or definition.is_template or definition.is_instantiation)


def _has_more(first: Signature, second: Signature) -> bool:
    """Return whether one of two functions takes what the other does, and more behind it."""
    return len(first.parameters) != len(second.parameters) and all(
        same_type(one.type, two.type)
        for one, two in zip(first.parameters, second.parameters, strict=False)
    )


def _same_parameters(first: Signature, second: Signature) -> bool:
    return len(first.parameters) == len(second.parameters) and all(
        same_type(one.type, two.type)
        for one, two in zip(first.parameters, second.parameters, strict=True)
    )


def _same_return(first: Signature, second: Signature) -> bool:
    if not first.return_type or not second.return_type:
        return True
    unclear = {"auto", "decltype(auto)"}
    if {first.return_type, second.return_type} & unclear:
        return True
    return same_type(first.return_type, second.return_type)


def _is_needed(link: Link, wanted: Signature) -> bool:
    """Return whether a file that does not define the function calls or registers it."""
    defining = {part.file.path for _, part in link.definitions.get(wanted.name, ())}
    return any(
        wanted.name in part.file.called
        or any(each.symbol.rpartition("::")[2] == wanted.name for each in part.file.registrations)
        for part in link.compiled
        if part.is_listed and part.file.path not in defining
    )


def _listed(signature: Signature) -> str:
    return ", ".join(parameter.type for parameter in signature.parameters)
