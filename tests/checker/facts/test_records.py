from __future__ import annotations

import copy
import pickle
from dataclasses import field, replace
from typing import TypeVar

import pytest

from opparity.checker.facts.places import Location
from opparity.checker.facts.records import fact

Record = TypeVar("Record")


@fact
class Pair:
    name: str
    note: str = field(default="", compare=False)


@fact
class Single:
    value: int


@fact
class Empty:
    pass


def sent(record: Record) -> Record:
    copied: Record = pickle.loads(pickle.dumps(record))  # noqa: S301 -- our own
    return copied


@pytest.mark.parametrize("record", [Pair("a", "b"), Single(3), Empty()])
def test_a_record_equals_its_copies(record: Pair | Single | Empty) -> None:
    for other in (sent(record), copy.copy(record), replace(record)):
        assert other is not record
        assert other == record
        assert hash(other) == hash(record)


def test_records_with_other_values_or_of_other_classes_differ() -> None:
    assert Pair("a") != Pair("b")
    others: list[object] = [Single(2), 1, (1,), Empty()]
    assert Single(1) not in others
    assert len({Single(1), Single(1), Single(2)}) == 2


def test_a_field_that_does_not_count_is_not_compared_but_sent() -> None:
    assert Pair("a", "here") == Pair("a", "there")
    assert hash(Pair("a", "here")) == hash(Pair("a", "there"))
    assert sent(Pair("a", "here")).note == "here"


def test_a_record_shows_its_values_and_has_no_others() -> None:
    assert repr(Pair("a", "b")) == "Pair(name='a', note='b')"
    assert repr(Single(3)) == "Single(value=3)"
    assert not hasattr(Single(3), "__dict__")


def test_places_are_in_the_order_of_paths_lines_and_columns() -> None:
    places = [Location("b", 1), Location("a", 2), Location("a", 1, 5), Location("a", 1, 2)]
    assert sorted(places) == places[::-1]
    assert max(places) == places[0]
