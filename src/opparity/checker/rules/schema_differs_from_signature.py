"""DEF002."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from opparity.checker.analysis.loose_links import loose_links
from opparity.checker.analysis.schemas import arguments_of
from opparity.checker.analysis.wanted import names
from opparity.checker.facts.conditions import Truth
from opparity.checker.facts.names import operator_name, plain_library
from opparity.checker.facts.native import RegistrationKind, Signature
from opparity.checker.facts.places import Related
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.checker.rules.schema_differences import (
    difference_of_returns,
    disagreement,
    misuse,
    refused,
    unsupported,
)
from opparity.checker.rules.versions import in_each_version
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link
    from opparity.checker.analysis.project import Project
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Parameter, Registration
    from opparity.checker.facts.places import Location

Schemas = dict[tuple[str, str], list["Registration"]]

# One operator may be defined under several conditions; nobody defines it this often.
_MOST_SCHEMAS = 20
_PARSED = frozenset({"torch_library", "stable"})


class SchemaDiffersFromSignature(Rule):
    """An operator's schema or argument names do not fit the function that is bound to it.

    ## Why is this bad?
    torch compares schema and function when the library is loaded, arguments and what is returned,
    and the import fails; with the stable ABI nobody compares, and the call reads the wrong values.
    Schemas have types of their own, where `int` is `int64_t` and `float` is `double`: torch refuses
    other words and a comma behind the last argument when the library is loaded, and functions that
    take or return `int` or `float` when it is compiled.
    In a file that no build lists it is a warning: a program may compile it while it runs.
    pybind11 counts `py::arg`s while compiling, and takes them in any order: a call by keyword then
    gives each value to another parameter.

    ## Example
    `m.def("f", &f, py::arg("mask"), py::arg("x"))` for `void f(Tensor x, Tensor mask)`.

    ## Use instead
    Give the schema one argument per parameter, of the same kind, with names in the parameters'
    order.
    It returns what the function returns: `-> ()` for `void`, `-> (Tensor, Tensor)` for
    `std::tuple<Tensor, Tensor>`, `-> Tensor[]` for `std::vector<Tensor>`.

    ## Before and after
    Before, in `csrc/bindings.cpp`:

    ```cpp
    at::Tensor scale(const at::Tensor& input, double factor) { return input; }

    TORCH_LIBRARY(little, m) {
      m.def("scale(Tensor input, float factor, int axis=0) -> Tensor");
    ```

    After:

    ```cpp
    at::Tensor scale(const at::Tensor& input, double factor, int64_t axis) { return input; }

    TORCH_LIBRARY(little, m) {
      m.def("scale(Tensor input, float factor, int axis=0) -> Tensor");
    ```
    """

    code = "DEF002"
    name = "schema-differs-from-signature"
    severity = Severity.ERROR
    effect = Effect.IMPORT

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each disagreement of a schema or of names with the bound function."""
        check = partial(self._check_link, analysis.project, _schemas(analysis))
        for platform in analysis.project.platforms:
            for link in analysis.linker.links_on(platform):
                yield from in_each_version(analysis, link, check)
        for link in loose_links(analysis):
            # Who compiles the file is not known, so that nothing surely fails.
            yield from (replace(each, severity=Severity.WARNING) for each in check(link))

    def _check_link(self, project: Project, schemas: Schemas, link: Link) -> Iterator[Finding]:
        registered = [r for r, use in link.registrations() if use.truth is Truth.TRUE]
        # `m.def("x", &x)` takes its schema from the function, whatever another backend's says.
        inferred = {
            (each.operator, each.location)
            for each in registered
            if each.kind is RegistrationKind.DEF and not each.schema
        }
        first: dict[tuple[str, str], Registration] = {}
        for registration in registered:
            yield from self._check_alone(project, link, registration)
            if (registration.operator, registration.location) in inferred:
                continue
            signatures = _signatures(project, link, registration)
            key = (plain_library(registration.library), registration.operator)
            # What stands beside the implementation is what it is meant for.
            path = registration.location.path
            near = [each for each in schemas.get(key, ()) if each.location.path == path]
            if not signatures:
                yield from self._check_boxed(link, registration, near or schemas.get(key, []))
                continue
            if registration.argument_names:
                # pybind11 takes the first overload that accepts a call: a later one that names
                # the same parameters wrongly is never reached by keyword.
                place = (registration.operator, registration.location.path)
                is_later = first.setdefault(place, registration) is not registration
                severity = Severity.WARNING if is_later else Severity.ERROR
                yield from self._check_names(link, registration, signatures, severity)
            elif registration.kind is RegistrationKind.IMPL and key in schemas:
                # A file that nobody lists is no part of what defines the operator elsewhere.
                others = schemas[key] if link.description else []
                yield from self._check_schema(link, registration, near or others, signatures)

    def _check_alone(
        self, project: Project, link: Link, registration: Registration
    ) -> Iterator[Finding]:
        """Yield what torch refuses of a schema, or of a function, whatever the other is."""
        operator, symbol = operator_name(registration, link.target), registration.symbol
        if registration.kind is RegistrationKind.DEF and registration.style in _PARSED:
            told = refused(operator, registration.schema)
            if told is not None:
                yield self.finding(registration.location, told, operator=operator)
        # The stable ABI's functions are boxed by macros of its own, which convert more types.
        if registration.kind is RegistrationKind.IMPL and registration.style == "torch_library":
            signatures = _signatures(project, link, registration)
            reasons = [unsupported(operator, symbol, each) for each, _ in signatures]
            if reasons and reasons[0] and all(reasons):
                yield self.finding(
                    registration.location,
                    reasons[0],
                    operator=operator,
                    symbol=symbol,
                    related=[Related(signatures[0][1], state("place.function"))],
                    effect=Effect.BUILD,
                )

    def _check_boxed(
        self, link: Link, registration: Registration, defs: list[Registration]
    ) -> Iterator[Finding]:
        """Yield where a function takes more from the stack than there is, or leaves too much."""
        symbol = registration.symbol.rpartition("::")[2]
        boxed = [
            function
            for part in link.compiled
            for function in part.file.boxed
            if function.name == symbol and part.truth(function.condition) is Truth.TRUE
        ]
        if len(boxed) != 1 or not defs:
            return
        (function,) = boxed
        reasons = [misuse(each.schema, function, registration) for each in defs]
        if not all(reasons) or reasons[0] is None:
            return
        yield self.finding(
            registration.location,
            reasons[0].having(operator=operator_name(registration, link.target)),
            operator=operator_name(registration, link.target),
            symbol=registration.symbol,
            related=[
                Related(defs[0].location, state("place.schema")),
                Related(function.location, state("place.function")),
            ],
            effect=Effect.RESULT,
        )

    def _check_schema(
        self,
        link: Link,
        registration: Registration,
        defs: list[Registration],
        signatures: list[tuple[Signature, Location]],
    ) -> Iterator[Finding]:
        operator = operator_name(registration, link.target)
        symbol = registration.symbol
        reasons = [
            disagreement(operator, symbol, arguments_of(each.schema), signature)
            or difference_of_returns(operator, symbol, each.schema, signature)
            for each in defs
            for signature, _ in signatures
        ]
        if not reasons or not reasons[0] or not all(reasons):
            return
        yield self.finding(
            registration.location,
            reasons[0],
            operator=operator,
            symbol=registration.symbol,
            related=[
                Related(defs[0].location, state("place.schema")),
                Related(signatures[0][1], state("place.function")),
            ],
        )

    def _check_names(
        self,
        link: Link,
        registration: Registration,
        signatures: list[tuple[Signature, Location]],
        severity: Severity,
    ) -> Iterator[Finding]:
        given = registration.argument_names
        operator = operator_name(registration, link.target)
        counts = {len(signature.parameters) for signature, _ in signatures}
        place = [Related(signatures[0][1], state("place.function"))]
        if len(given) not in counts:
            yield self.finding(
                registration.location,
                state(
                    "DEF002.names",
                    operator=operator,
                    given=len(given),
                    symbol=registration.symbol,
                    counts=" or ".join(map(str, sorted(counts))),
                ),
                operator=operator,
                symbol=registration.symbol,
                related=place,
                effect=Effect.BUILD,
            )
            return
        orders = [tuple(p.name for p in s.parameters) for s, _ in signatures]
        permuted = [
            o for o in orders if "" not in given and o != given and sorted(o) == sorted(given)
        ]
        if permuted and given not in orders:
            index = next(i for i, name in enumerate(given) if name != permuted[0][i])
            yield self.finding(
                registration.location,
                state(
                    "DEF002.order",
                    operator=operator,
                    number=index + 1,
                    name=given[index],
                    symbol=registration.symbol,
                    parameter=permuted[0][index],
                ),
                operator=operator,
                symbol=registration.symbol,
                related=place,
                severity=severity,
                effect=Effect.RESULT,
            )


def _schemas(analysis: Analysis) -> Schemas:
    """Return the definitions of each operator that differ."""
    found: Schemas = {}
    registrations = analysis.project.registrations
    for registration in (*registrations, *analysis.operators.defined_in_python()):
        if registration.kind is RegistrationKind.DEF and registration.schema:
            key = (plain_library(registration.library), registration.operator)
            same = found.setdefault(key, [])
            if len(same) < _MOST_SCHEMAS and registration.schema not in {
                each.schema for each in same
            }:
                same.append(registration)
    return found


def _signatures(
    project: Project, link: Link, registration: Registration
) -> list[tuple[Signature, Location]]:
    """Return the signatures that the bound function may have; none where that is not certain."""
    if registration.parameters is not None and registration.kind is RegistrationKind.IMPL:
        found = [(_of_lambda(registration, registration.parameters), registration.location)]
        return [] if _is_boxed(found) else found
    if not registration.symbol:
        return []
    last = registration.symbol.rpartition("::")[2]
    found = []
    for definition, part in link.definitions.get(last, ()):
        if not names(registration.symbol, definition):
            continue
        truth = part.truth(definition.condition)
        if truth is Truth.FALSE:
            continue
        if definition.is_guessed or truth is not Truth.TRUE:
            return []
        found.append((definition.signature, definition.location))
    if not found:
        found = [(d.signature, d.location) for d in project.declarations.get(last, ())]
    return [] if _is_boxed(found) else found


def _of_lambda(registration: Registration, parameters: tuple[Parameter, ...]) -> Signature:
    """Return the signature of a lambda that is bound in place."""
    return Signature(registration.operator, (), parameters, "")


def _is_boxed(found: list[tuple[Signature, Location]]) -> bool:
    """Return whether a function takes its arguments from a stack, or any number of them."""
    return any(
        "Stack" in parameter.type
        or "StableIValue" in parameter.type
        or "..." in parameter.type
        or "auto" in parameter.type
        for signature, _ in found
        for parameter in signature.parameters
    )
