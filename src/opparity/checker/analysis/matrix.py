"""The matrix: operator by platform, each answer with the places that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opparity.checker.analysis.operators import Process
from opparity.checker.analysis.platform_words import concerns
from opparity.checker.analysis.wanted import names
from opparity.checker.analysis.whereabouts import find_symbol
from opparity.checker.facts.conditions import Truth, all_of, any_of, truth_of
from opparity.checker.facts.names import operator_name
from opparity.checker.facts.native import RegistrationKind
from opparity.checker.facts.places import Related
from opparity.checker.facts.python import CallKind
from opparity.checker.facts.records import fact
from opparity.words.statements import state

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opparity.checker.analysis.linking import Link, Use
    from opparity.checker.analysis.services import Analysis
    from opparity.checker.facts.native import Registration
    from opparity.checker.facts.places import Location
    from opparity.checker.facts.platforms import Platform
    from opparity.checker.facts.python import Call
    from opparity.words.statements import Statement


@fact
class Answer:
    """Yes, no or unknown, and why."""

    truth: Truth
    places: tuple[Related, ...] = ()


@fact
class Cell:
    """What one platform has of one operator.

    Attributes:
        declared: a prototype of the bound function is visible.
        defined: the operator's schema is registered (`def`, or a binding).
        implemented: dispatch key -> an implementation is registered; key "" is every key.
        built: a source that the platform builds defines the bound function.
        called: Python calls the operator, and no guard rules the platform out.
    """

    declared: Answer
    defined: Answer
    implemented: tuple[tuple[str, Answer], ...]
    built: Answer
    called: Answer


@fact
class Row:
    """One operator on every platform; `cells` is parallel to `Matrix.platforms`."""

    operator: str
    symbols: tuple[str, ...]
    cells: tuple[Cell, ...]


@fact
class Matrix:
    """Every operator on every platform."""

    platforms: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def unknown_share(self) -> float:
        """Return the part of all answers that are unknown, from 0 to 1."""
        answers = [
            answer.truth
            for row in self.rows
            for cell in row.cells
            for answer in (cell.declared, cell.defined, cell.built, cell.called)
        ]
        return answers.count(Truth.UNKNOWN) / len(answers) if answers else 0.0


_MOST_PLACES = 4


def build_matrix(analysis: Analysis) -> Matrix:
    """Return the matrix of every operator that some target may register on some platform."""
    every = {platform: _Column(analysis, platform) for platform in analysis.project.platforms}
    columns = [every[platform] for platform in analysis.project.asked]
    calls: dict[str, list[Call]] = {}
    for call in analysis.operators.touches():
        if call.kind is not CallKind.REGISTER_FAKE:
            calls.setdefault(call.qualified, []).append(call)
    reads: dict[str, list[Location]] = {}
    for module in analysis.modules_read:
        for read in module.needed:
            name = f"{module.module.rpartition('.')[2]}::{read.name}"
            reads.setdefault(name, []).append(read.location)
    names = sorted({name for column in every.values() for name in column.uses})
    rows = []
    for name in names:
        symbols = sorted({symbol for column in every.values() for symbol in column.symbols(name)})
        used = calls.get(name, []), reads.get(name, [])
        cells = tuple(column.cell(name, symbols, *used) for column in columns)
        rows.append(Row(name, tuple(symbols), cells))
    labels = tuple(platform.label for platform in analysis.project.asked)
    return Matrix(platforms=labels, rows=tuple(rows))


class _Column:
    """One platform: its registrations by operator."""

    def __init__(self, analysis: Analysis, platform: Platform) -> None:
        self.analysis = analysis
        self.process = Process(platform, analysis.operators)
        self.uses: dict[str, list[tuple[Registration, Use, Link]]] = {}
        for link in analysis.linker.links_on(platform):
            for registration, use in link.registrations():
                name = operator_name(registration, link.target)
                self.uses.setdefault(name, []).append((registration, use, link))

    def symbols(self, name: str) -> set[str]:
        """Return the functions that the platform binds to an operator."""
        bound = (r for r, _, _ in self.uses.get(name, ()))
        return {symbol for r in bound for symbol in r.functions}

    def cell(self, name: str, symbols: list[str], calls: list[Call], reads: list[Location]) -> Cell:
        """Return what the platform has of an operator."""
        uses = self.uses.get(name, [])
        defining = [
            (registration, _made(use, link))
            for registration, use, link in uses
            if registration.kind is not RegistrationKind.IMPL
        ]
        keys: dict[str, list[tuple[Registration, Truth]]] = {}
        for registration, use, link in uses:
            if registration.kind is not RegistrationKind.DEF:
                keys.setdefault(registration.key, []).append((registration, _made(use, link)))
        return Cell(
            declared=self._declared(symbols),
            defined=self._defined(name, defining),
            implemented=tuple(
                (key, _answer(found, state("place.implemented")))
                for key, found in sorted(keys.items())
            ),
            built=self._built(uses),
            called=self._called(calls, reads),
        )

    def _defined(self, name: str, found: list[tuple[Registration, Truth]]) -> Answer:
        """Return whether the platform registers an operator; what was not read may do so too."""
        operators, platform = self.process.operators, self.process.platform
        if not found and name in operators.python:
            places = tuple(
                Related(each.location, state("place.registered")) for each in operators.python[name]
            )
            return Answer(operators.exists(platform, name), places[:_MOST_PLACES])
        answer = _answer(found, state("place.registered"))
        is_open = operators.is_open(platform, name)
        if answer.truth is Truth.FALSE and is_open:
            return Answer(Truth.UNKNOWN)
        return answer

    def _declared(self, symbols: list[str]) -> Answer:
        places: list[Related] = []
        for symbol in symbols:
            last = symbol.rpartition("::")[2]
            places.extend(
                Related(declaration.location, state("place.declared_name", name=last))
                for declaration in self.analysis.project.declarations.get(last, ())
            )
            places.extend(
                Related(definition.location, state("place.defined_name", name=last))
                for definition in self.analysis.project.definitions.get(last, ())
            )
        return Answer(truth_of(places), tuple(places[:_MOST_PLACES]))

    def _built(self, uses: list[tuple[Registration, Use, Link]]) -> Answer:
        """Return whether what the platform registers is defined in what it links."""
        answers: list[Truth] = []
        places: list[Related] = []
        is_missing = False
        for registration, use, link in uses:
            for symbol in registration.functions:
                found = find_symbol(self.analysis, link, symbol, use, registration.scope)
                # A name that a lambda mentions, and the tree does not define, is a library's.
                is_foreign = found.is_nowhere and symbol != registration.symbol
                answer = Truth.TRUE if is_foreign else found.answer
                # One function that is missing for certain is enough to break the import.
                is_missing |= answer is Truth.FALSE and _made(use, link) is Truth.TRUE
                answers.append(all_of((link.target.built, answer)))
                places.extend(found.related or self._definitions(symbol, link))
        truth = Truth.FALSE if is_missing else any_of(answers)
        return Answer(truth, tuple(places[:_MOST_PLACES]))

    def _definitions(self, symbol: str, link: Link) -> Iterator[Related]:
        """Yield where the platform's sources define a symbol."""
        for definition in self.analysis.project.definitions.get(symbol.rpartition("::")[2], ()):
            path = definition.location.path
            if names(symbol, definition) and any(
                self.analysis.project.targets_compiling(link.platform, path)
            ):
                yield Related(definition.location, state("place.defined"))

    def _called(self, calls: list[Call], reads: list[Location]) -> Answer:
        """Return whether Python may call the operator there: no guard rules it out.

        What guards a read by the whole name of a module, `package._C.scale`, is not looked at.
        """
        open_calls = [
            call
            for call in calls
            if self.process.truth_of(call.guards) is not Truth.FALSE
            and concerns(call, self.process.platform)
        ]
        places = tuple(
            Related(call.location, state("place.called")) for call in open_calls[:_MOST_PLACES]
        )
        if not open_calls and reads:
            return Answer(
                Truth.UNKNOWN,
                tuple(Related(place, state("place.called")) for place in reads[:_MOST_PLACES]),
            )
        return Answer(truth_of(open_calls), places)


def _made(use: Use, link: Link) -> Truth:
    """Return whether a platform's build makes the target and compiles a place in it."""
    return all_of((link.target.built, use.truth))


def _answer(found: list[tuple[Registration, Truth]], note: Statement) -> Answer:
    places = tuple(Related(r.location, note) for r, _ in found[:_MOST_PLACES])
    return Answer(any_of(truth for _, truth in found), places)
