"""Registrations, prototypes, definitions and macro tests of C++, CUDA and HIP files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from opparity.change.compare.inspection import guard_text
from opparity.checker.analysis.macros import platform_of_macro
from opparity.checker.facts.conditions import ALWAYS, Truth, any_of
from opparity.checker.facts.native import NativeFile, RegistrationKind
from opparity.words.statements import moved_guard, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opparity.change.compare.differences import Difference, Differences
    from opparity.change.compare.inspection import Inspected
    from opparity.checker.facts.conditions import Condition
    from opparity.checker.facts.native import Declaration, Definition, Registration
    from opparity.words.statements import Statement

_EMPTY = NativeFile(path="")


def compare(differences: Differences) -> None:
    """Compare every native file that changed."""
    names = _Names(differences)
    for path in sorted(differences.changed):
        old = differences.before.project.native.get(path, _EMPTY)
        new = differences.after.project.native.get(path, _EMPTY)
        if old is _EMPTY and new is _EMPTY:
            continue
        _registrations(differences, names, path, old, new)
        _prototypes(differences, names, path, old, new)
        _definitions(differences, names, path, old, new)
        if path in differences.by_path:
            _macros(differences.at(path), old, new)


class _Names:
    """Names of both trees: a registration's operator, and the operators of a function."""

    def __init__(self, differences: Differences) -> None:
        self.operator: dict[Registration, str] = {}
        self.bound: dict[str, dict[str, None]] = {}
        for side in (differences.before, differences.after):
            for name, registrations in side.registrations.items():
                for registration in registrations:
                    self.operator.setdefault(registration, name)
                    for symbol in registration.functions:
                        if symbol:
                            last = symbol.rpartition("::")[2]
                            self.bound.setdefault(last, {})[name] = None


def _registrations(
    differences: Differences, names: _Names, path: str, old: NativeFile, new: NativeFile
) -> None:
    """Compare what a file registers, operator by operator."""
    first, second = _by_operator(names, old), _by_operator(names, new)
    found = _Lists()
    for operator in dict.fromkeys((*first, *second)):
        before, after = first.get(operator, []), second.get(operator, [])
        if not before:
            elsewhere = operator in differences.before.registrations
            found.add("moved_here" if elsewhere else "registered", operator, _guards(after))
        elif not after:
            elsewhere = operator in differences.after.registrations
            found.add("moved_away" if elsewhere else "unregistered", operator, _guards(before))
        else:
            for key, *values in _altered(before, after):
                found.add(key, operator, *values)
    if found.entries:
        found.tell(differences.at(path))


class _Lists:
    """Operators to which the same happened, to be told in one sentence."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, ...], list[str]] = {}

    def add(self, key: str, operator: str, *values: str) -> None:
        self.entries.setdefault((key, *values), []).append(operator)

    def tell(self, difference: Difference) -> None:
        for (key, *values), operators in self.entries.items():
            for operator in operators:
                difference.about(operator)
            difference.changes.append(_told(key, values, tuple(operators)))


def _told(key: str, values: list[str], operators: tuple[str, ...]) -> Statement:
    match key, values:
        case "guard", [before, after]:
            return moved_guard("change.guard", before, after, operators=operators)
        case _, [guard] if guard:
            return state(f"change.{key}_guarded", operators=operators, guard=guard)
        case _:
            return state(f"change.{key}", operators=operators)


def _by_operator(names: _Names, file: NativeFile) -> dict[str, list[Registration]]:
    found: dict[str, list[Registration]] = {}
    for registration in file.registrations:
        found.setdefault(names.operator[registration], []).append(registration)
    return found


def _guards(registrations: Iterable[Registration]) -> str:
    """Return the one guard of some registrations; several are told as "… / …".

    Those without a guard are left out: an operator's schema often has none.
    """
    texts = dict.fromkeys(guard_text(each.condition) for each in registrations)
    return " / ".join(text for text in texts if text)


def _altered(before: list[Registration], after: list[Registration]) -> Iterator[tuple[str, ...]]:
    """Yield how the registrations of one operator in one file changed."""
    if _guards(before) != _guards(after):
        yield "guard", _guards(before), _guards(after)
    for key, of in (
        ("schema", lambda each: " ".join(each.schema.split())),
        ("symbol", lambda each: each.symbol),
        ("key", lambda each: "" if each.kind is RegistrationKind.DEF else f"={each.key}"),
    ):
        if _texts(before, of) != _texts(after, of):
            yield (key,)


def _texts(registrations: list[Registration], of: Callable[[Registration], str]) -> set[str]:
    return {of(each) for each in registrations} - {""}


def _prototypes(
    differences: Differences, names: _Names, path: str, old: NativeFile, new: NativeFile
) -> None:
    """Compare the prototypes of functions that operators are bound to."""
    first, second = _declared(names, old.declarations), _declared(names, new.declarations)
    changes: dict[tuple[str, ...], list[str]] = {}
    for name in dict.fromkeys((*first, *second)):
        before, after = first.get(name), second.get(name)
        if before is None or after is None:
            changes.setdefault(("declared",) if before is None else ("undeclared",), []).append(
                name
            )
            continue
        texts = guard_text(before.condition), guard_text(after.condition)
        if texts[0] != texts[1]:
            changes.setdefault(("declaration_guard", *texts), []).append(name)
        if before.signature.parameters != after.signature.parameters:
            changes.setdefault(("parameters",), []).append(name)
    if not changes:
        return
    difference = differences.at(path)
    for (key, *guards), functions in changes.items():
        for name in functions:
            difference.terms.add(name)
            difference.operators.update(names.bound[name])
        listed = tuple(functions)
        if guards:
            difference.changes.append(moved_guard(f"change.{key}", *guards, functions=listed))
        else:
            difference.changes.append(state(f"change.{key}", functions=listed))
        _seen(differences, path, difference, functions)


def _seen(
    differences: Differences, path: str, difference: Difference, functions: list[str]
) -> None:
    """Say on which platforms a header's prototypes are seen, where that changed."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for name in functions:
        before, after = (
            {
                platform
                for declaration in side.project.native.get(path, _EMPTY).declarations
                if declaration.signature.name == name
                for platform in compiled_on(side, path, declaration.condition)
            }
            for side in (differences.before, differences.after)
        )
        for key, platforms in (("hidden", before - after), ("shown", after - before)):
            if platforms:
                known = dict.fromkeys((*differences.before.platforms, *differences.after.platforms))
                listed = tuple(each for each in known if each in platforms)
                found.setdefault((key, listed), []).append(name)
    for (key, labels), names in found.items():
        difference.effects.append(state(f"effect.{key}", functions=tuple(names), platforms=labels))


def compiled_on(side: Inspected, path: str, condition: Condition) -> list[str]:
    """Return the platforms that compile a line of a file, itself or through what includes it."""
    found = []
    for platform in side.project.asked:
        truth = any_of(
            compiled.truth(condition)
            for link in side.analysis.linker.links_on(platform)
            for compiled in link.compiled
            if compiled.file.path == path
        )
        if truth is not Truth.FALSE:
            found.append(platform.label)
    return found


def _declared(names: _Names, declarations: Iterable[Declaration]) -> dict[str, Declaration]:
    return {
        each.signature.name: each for each in declarations if each.signature.name in names.bound
    }


def _definitions(
    differences: Differences, names: _Names, path: str, old: NativeFile, new: NativeFile
) -> None:
    """Compare the definitions of functions that operators are bound to."""
    first, second = _defined(names, old.definitions), _defined(names, new.definitions)
    gained = tuple(name for name in second if name not in first)
    lost = tuple(name for name in first if name not in second)
    kept = tuple(name for name in second if name in first)
    if not gained and not lost and not kept:
        return
    difference = differences.at(path)
    for key, functions in (("defined", gained), ("undefined", lost)):
        if functions:
            difference.changes.append(state(f"change.{key}", functions=functions))
    if kept and not gained and not lost and not difference.changes:
        difference.changes.append(state("change.source", functions=kept))
    for name in (*gained, *lost, *kept):
        difference.terms.add(name)
        difference.operators.update(names.bound[name])
    if gained and old is _EMPTY:
        platforms = tuple(compiled_on(differences.after, path, ALWAYS))
        if platforms:
            difference.effects.append(state("effect.built_on", platforms=platforms))
        else:
            difference.effects.append(state("effect.built_nowhere"))


def _defined(names: _Names, definitions: Iterable[Definition]) -> dict[str, Definition]:
    return {
        each.signature.name: each
        for each in definitions
        if each.signature.name in names.bound and not each.is_local
    }


def _macros(difference: Difference, old: NativeFile, new: NativeFile) -> None:
    """Say which platform macros a file tests more or less often than before."""
    first = Counter(test.name for test in old.macro_tests if platform_of_macro(test.name))
    second = Counter(test.name for test in new.macro_tests if platform_of_macro(test.name))
    for name in sorted({*first, *second}):
        if first[name] != second[name]:
            difference.terms.add(name)
            difference.changes.append(
                state("change.macro", macro=name, before=first[name], after=second[name])
            )
