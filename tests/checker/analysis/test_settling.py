"""Macros whose definitions hang on each other: what is known of them, and how often it is asked."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from opparity.checker.analysis.translation import TranslationUnit, TranslationUnits
from opparity.checker.facts.builds import MacroSetting, Target
from opparity.checker.facts.conditions import (
    And,
    Condition,
    Defined,
    Not,
    Or,
    Truth,
    any_of,
    evaluate,
)
from opparity.checker.facts.native import MacroDefinition
from opparity.checker.facts.places import Location
from opparity.checker.facts.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HERE = Location("csrc/a.h", 1)


def unit_of(
    definitions: Mapping[str, Sequence[Condition]], given: tuple[str, ...] = ()
) -> TranslationUnit:
    in_tree = {
        name: tuple(MacroDefinition(name, "", HERE, condition) for condition in conditions)
        for name, conditions in definitions.items()
    }
    return TranslationUnit(
        Platform("cuda"), "CUDA", dict.fromkeys(given, "1"), frozenset(), in_tree
    )


def from_the_start(unit: TranslationUnit, name: str, around: frozenset[str]) -> Truth:
    """Return what is known of a macro by following every way anew: the definition of the answer."""

    class Inside:
        def truth(self, atom: object) -> Truth:
            assert isinstance(atom, Defined)
            return from_the_start(unit, atom.macro, around | {name})

    if name in unit.macros:
        return Truth.TRUE
    if name not in unit.in_tree:
        return Truth.FALSE
    if name in around:
        return Truth.UNKNOWN
    held = any_of(evaluate(each.condition, Inside()) for each in unit.in_tree[name])
    return Truth.FALSE if held is Truth.FALSE else Truth.UNKNOWN


def drawn(chance: random.Random, names: list[str], depth: int = 2) -> Condition:
    kind = chance.choice(["name", "name", "not", "and", "or"] if depth else ["name", "not"])
    if kind == "name":
        return Defined(chance.choice(names))
    if kind == "not":
        return Not(Defined(chance.choice(names)))
    parts = tuple(drawn(chance, names, depth - 1) for _ in range(2))
    return And(parts) if kind == "and" else Or(parts)


@pytest.mark.parametrize("seed", range(300))
def test_what_is_known_of_a_macro_is_what_following_every_way_says(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 -- it draws conditions
    names = [f"M{number}" for number in range(6)]
    definitions = {
        name: [drawn(chance, [*names, "GIVEN", "NOWHERE"]) for _ in range(chance.randint(1, 2))]
        for name in names
    }
    unit = unit_of(definitions, ("GIVEN",))
    chance.shuffle(names)
    assert {name: unit.truth(Defined(name)) for name in names} == {
        name: from_the_start(unit, name, frozenset()) for name in names
    }


def test_macros_that_all_hang_on_each_other_are_worked_out_once_each() -> None:
    names = [f"M{number}" for number in range(60)]
    asked: list[str] = []

    class Counting(TranslationUnit):
        def truth(self, atom: object) -> Truth:
            assert isinstance(atom, Defined)
            asked.append(atom.macro)
            return super().truth(atom)

    every = {name: [Or(tuple(Defined(n) for n in names if n != name))] for name in names}
    plain = unit_of(every)
    unit = Counting(plain.platform, plain.language, {}, frozenset(), plain.in_tree)
    assert {unit.truth(Defined(name)) for name in names[:30]} == {Truth.UNKNOWN}
    # Each macro has 59 others; by every way there would be more than 59! of them.
    assert len(asked) < 40 * 60 * 60


def test_a_chain_without_a_circle_is_followed_to_its_end() -> None:
    chain = {f"M{number}": [Defined(f"M{number + 1}")] for number in range(30)}
    assert unit_of(chain).truth(Defined("M0")) is Truth.FALSE
    assert unit_of(chain, ("M30",)).truth(Defined("M0")) is Truth.UNKNOWN


def test_sources_with_the_same_macros_share_what_is_known_and_others_do_not() -> None:
    units = TranslationUnits({})
    target = Target("demo", "module", (), Location("setup.py", 1))
    other = Target(
        "other",
        "module",
        (),
        Location("setup.py", 2),
        macros=(MacroSetting("FAST", "1", Location("setup.py", 2)),),
    )
    cuda = Platform("cuda")
    assert units.of(cuda, target, "a.cu") is units.of(cuda, target, "b.cu")
    assert units.of(cuda, target, "a.cu") is not units.of(cuda, target, "b.cpp")
    assert units.of(cuda, target, "a.cu") is not units.of(cuda, other, "a.cu")
    assert units.of(cuda, target, "a.cu") is not units.of(Platform("rocm"), target, "a.cu")
