from __future__ import annotations

import pytest

from opparity.checker.languages.interpreting import Budget, OutOfSteps, Steps, merge_ways


def test_a_name_is_what_any_way_made_of_it() -> None:
    ways = [{"same": "1", "changed": "1"}, {"same": "1", "changed": "2"}, {"same": "1", "new": "3"}]
    assert merge_ways(ways, lambda one, other: f"{one}|{other}") == {
        "same": "1",
        "changed": "1|2|None",
        "new": "None|3",
    }


def test_one_step_too_many_ends_an_evaluation() -> None:
    steps = Steps(most=3)
    steps.count(2)
    steps.count()
    assert not steps.are_used_up
    with pytest.raises(OutOfSteps):
        steps.count()
    assert steps.are_used_up


def test_builds_share_steps_and_each_gets_some() -> None:
    budget = Budget(left=10)
    greedy = budget.grant()
    assert greedy.most == 3_010
    greedy.taken = 5_000
    budget.settle(greedy)
    assert budget.grant().most == 3_000
    assert Budget(left=1_000_000).grant().most == 100_000
