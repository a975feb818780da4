"""DEF007."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.schemas import Argument, overload_of, parameters_of
from opparity.checker.facts.places import Related
from opparity.checker.facts.records import fact
from opparity.checker.rules.base import Rule
from opparity.checker.rules.findings import Effect, Finding, Severity, Unknown
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.places import Location
    from opparity.checker.facts.python import Fake, Parameters
    from opparity.words.statements import Statement


class FakeDiffersFromSchema(Rule):
    """An operator's fake does not take the arguments of its schema.

    ## Why is this bad?
    torch.compile, export and everything else that runs without data calls the fake as the operator
    is called: it raises `TypeError`, while the operator itself works.
    torch leaves out what a call gives as its default, so that a fake without such an argument fails
    for other values alone, which the finding says.
    A fake belongs to one overload: that of `name.out` has to suit the schema of `name.out`.
    Where the parameters stand in another order, or `*rest` takes what is left over, the fake works
    with the values of other arguments, which is a warning.

    ## Example
    `m.def("scale(Tensor x, float factor, float eps=1e-5) -> Tensor")` and
    `@register_fake("demo::scale") def _(x, factor): ...`.

    ## Use instead
    Give the fake the schema's parameters in the schema's order, and those behind `*` by their
    names.

    ## Before and after
    Before, in `demo/__init__.py`:

    ```python
    def fake_blend(x, *, weight):
        return torch.empty_like(x)
    ```

    After:

    ```python
    def fake_blend(x, *, weight, clamp=False):
        return torch.empty_like(x)
    ```
    """

    code = "DEF007"
    name = "fake-differs-from-schema"
    severity = Severity.ERROR
    effect = Effect.CALL

    def check(self, analysis: Analysis) -> Iterator[Finding | Unknown]:
        """Yield each fake that no schema of its operator suits."""
        schemas = _schemas(analysis)
        for _, file in sorted(analysis.project.python.items()):
            for fake in file.fakes:
                name = f"{fake.library}::{fake.operator}"
                found = _meant(schemas.get(name, []), fake)
                if not found or fake.parameters is None:
                    continue
                refusals = [_refusal(each.arguments, fake.parameters) for each in found]
                if all(refusals):
                    yield self._finding(name, fake, found[0], refusals[0])

    def _finding(
        self, name: str, fake: Fake, schema: _Schema, refusal: Statement | None
    ) -> Finding:
        assert refusal is not None
        written = f"{name}.{fake.overload}" if fake.overload else name
        is_moved = refusal.key == "DEF007.moved"  # what the fake makes of it is not known
        return self.finding(
            fake.location,
            state("DEF007.fake", operator=written, reason=refusal),
            operator=name,
            related=[Related(schema.location, state("place.schema"))],
            severity=Severity.WARNING if is_moved else None,
            effect=Effect.RESULT if is_moved else None,
        )


@fact
class _Schema:
    arguments: tuple[Argument, ...]
    location: Location
    overload: str


def _meant(schemas: list[_Schema], fake: Fake) -> list[_Schema]:
    """Return the schemas of a fake's overload; all where none is of it by name."""
    return [each for each in schemas if each.overload == fake.overload] or schemas


def _schemas(analysis: Analysis) -> dict[str, list[_Schema]]:
    """Return every schema of each operator that is written out, or that a signature says."""
    found: dict[str, list[_Schema]] = {}
    unclear: set[str] = set()
    operators = analysis.operators
    for here in operators.by_platform.values():
        for name, definitions in here.native.items():
            for defined in definitions:
                arguments = parameters_of(defined.registration.schema)
                if arguments is None:
                    unclear.add(name)
                    continue
                overload = overload_of(defined.registration.schema)
                one = _Schema(arguments, defined.registration.location, overload)
                if one not in found.setdefault(name, []):
                    found[name].append(one)
    for name, registrations in operators.python.items():
        for each in registrations:
            arguments = parameters_of(each.schema)
            if arguments is None and each.parameters is not None:
                arguments = _of_signature(each.parameters)
            if arguments is None:
                unclear.add(name)
            else:
                one = _Schema(arguments, each.location, overload_of(each.schema))
                found.setdefault(name, []).append(one)
    return {name: schemas for name, schemas in found.items() if name not in unclear}


def _of_signature(given: Parameters) -> tuple[Argument, ...] | None:
    """Return the schema that torch infers from a function's signature."""
    if given.takes_rest or given.takes_keywords:
        return None
    first_default = len(given.names) - given.defaults
    return (
        *(Argument(name, index >= first_default) for index, name in enumerate(given.names)),
        *(Argument(name, has, by_keyword=True) for name, has in given.keywords),
    )


def _refusal(arguments: tuple[Argument, ...], fake: Parameters) -> Statement | None:
    """Return why a fake cannot be called as the schema is; None where it can."""
    positional = [each for each in arguments if not each.by_keyword]
    required = len(fake.names) - fake.defaults
    if len(positional) > len(fake.names) and not fake.takes_rest:
        tail = positional[len(fake.names) :]
        unnamed = [each for each in positional if each.name not in fake.names]
        return _missing(tail, unnamed if len(unnamed) == len(tail) else tail)
    by_keyword = [each for each in arguments if each.by_keyword]
    named = {each.name for each in by_keyword}
    further = [name for name in fake.names[len(positional) : required] if name not in named]
    if further:
        return state("DEF007.further", names=tuple(further))
    moved = _moved([each.name for each in positional], fake.names)
    if moved:
        return state("DEF007.moved", names=moved)
    accepted = {*fake.names[len(positional) :], *(name for name, _ in fake.keywords)}
    lost = [each for each in by_keyword if each.name not in accepted]
    if lost and not fake.takes_keywords:
        return _missing(lost, lost)
    wanted = tuple(name for name, has in fake.keywords if not has and name not in named)
    return state("DEF007.further", names=wanted) if wanted else None


def _moved(wanted: list[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parameters that a call gives the values of others, where `*rest` hides it too."""
    pairs = zip(wanted, names, strict=False)
    return tuple(name for meant, name in pairs if name != meant and name in wanted)


def _missing(tail: Sequence[Argument], named: Sequence[Argument]) -> Statement:
    """Return that a fake lacks arguments: those that every call gives, where there are any.

    Args:
        tail: those that no parameter takes; what they have no default for, each call gives.
        named: those whose names the fake lacks, which a reader looks for.
    """
    is_always = not all(each.has_default for each in tail)
    needed = [each for each in named if not (is_always and each.has_default)] or named
    names = tuple(each.name for each in needed)
    return state("DEF007.missing" if is_always else "DEF007.missing_default", names=names)
