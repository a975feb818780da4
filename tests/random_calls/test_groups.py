from __future__ import annotations

from collections import Counter

import pytest
import torch

import flawed_operator
import opparity
from opparity.formats import RECIPES, ExpertLayout
from opparity.operators import OPERATORS
from opparity.operators.tensor_scales import tensor_scale
from opparity.random_calls.comparison import Wanted, compare
from opparity.random_calls.draw import Draw
from opparity.random_calls.expert_rows import draw_experts, rows_in_all, valid_rows
from opparity.random_calls.group import Call, Group
from opparity.random_calls.groups import tensor_scales
from opparity.random_calls.memory import differing
from opparity.random_calls.numbers import draw_numbers
from opparity.random_calls.table import GROUPS

opparity.load()
pytestmark = pytest.mark.usefixtures("small_calls")
CPU = torch.device("cpu")
LARGE = torch.tensor(9e9)
every_group = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group.name)
# Whose operators write to their arguments, some of them.
WRITING = ("quantisation", "activations", "scales_by_token", "norms", "experts", "sums", "peers")


def test_every_operator_has_its_turn_in_some_group() -> None:
    drawn = Counter(
        group.draw(Draw(0, group.name, number, CPU)).words.partition("(")[0]
        for group in GROUPS
        for number in range(group.turns)
    )
    # By their schemas alone: their kernels are those of another one.
    assert {operator.qualified_name for operator in OPERATORS} == set(drawn)


@every_group
def test_native_kernels_give_the_bits_of_the_reference(group: Group) -> None:
    found = compare(group, "native", Wanted(20_000, seed=31), CPU)
    assert found.reason is None, found.repeat
    assert found.mismatched == 0
    assert found.values >= 20_000
    assert found.calls >= group.turns


@every_group
def test_a_kernel_that_is_wrong_in_two_bits_is_found(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    flawed_operator.put_into_the_table(monkeypatch, "two_bits")
    found = compare(group, "flawed", Wanted(1), CPU)
    assert found.reason is not None
    # A call of no rows has nothing that could be wrong.
    assert found.calls - 2 <= found.mismatched <= 2 * found.calls
    assert found.repeat is not None
    number = int(found.repeat.rpartition(" ")[2])
    again = compare(group, "flawed", Wanted(0, call=number), CPU)
    assert (again.calls, again.reason) == (1, found.reason)


@pytest.mark.parametrize("name", WRITING)
def test_a_kernel_that_writes_behind_its_values_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flawed_operator.put_into_the_table(monkeypatch, "outside")
    [group] = [group for group in GROUPS if group.name == name]
    found = compare(group, "flawed", Wanted(1), CPU)
    assert found.reason is not None
    assert 0 < found.mismatched <= found.calls


def test_a_kernel_that_fails_ends_its_group_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    flawed_operator.put_into_the_table(monkeypatch, "failing")
    found = compare(GROUPS[0], "flawed", Wanted(10_000), CPU)
    assert found.calls == 1
    assert found.reason is not None
    assert "flawed fails: this kernel fails" in found.reason
    assert found.repeat is not None


def test_a_device_that_makes_no_tensors_any_more_is_told_and_not_raised() -> None:
    def broken(_: Draw) -> Call:
        raise RuntimeError("an illegal memory access was encountered")

    found = compare(Group("broken", broken, 1), "native", Wanted(10), CPU)
    assert (found.calls, found.values) == (0, 0)
    assert found.reason is not None
    assert "call 0 cannot be drawn: an illegal memory access" in found.reason


def test_a_tensor_scale_that_is_wrong_in_its_last_place_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        tensor_scales, "tensor_scale", lambda *given: tensor_scale(*given).nextafter(LARGE)
    )
    found = compare(tensor_scales.GROUP, "native", Wanted(20_000), CPU)
    assert found.reason is not None
    assert "1 of 1 in scale" in found.reason


@every_group
def test_a_call_is_the_same_for_a_seed_and_another_for_another(group: Group) -> None:
    number = 3
    first, again, other = (group.draw(Draw(seed, group.name, number, CPU)) for seed in (7, 7, 8))
    assert first.words == again.words != other.words
    one, two = first.run("reference"), again.run("reference")
    assert [differing(one[name], two[name]) for name in one] == [0] * len(two)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_numbers_are_usual_and_hostile(dtype: torch.dtype) -> None:
    drawn = torch.cat(
        [
            draw_numbers(Draw(0, "numbers", number, CPU), dtype, 64, 40).flatten()
            for number in range(200)
        ]
    )
    number = drawn.float()
    zeros = number[number == 0]
    least = torch.finfo(dtype).tiny
    assert number.isnan().any()
    assert {float("inf"), -float("inf")} <= set(number[number.isinf()].tolist())
    assert zeros.signbit().any()
    assert not zeros.signbit().all()
    assert ((number != 0) & (number.abs() < least)).sum() > 1000
    assert ((number.abs() > 0.01) & (number.abs() < 10)).float().mean() > 0.3


def test_experts_of_an_operator_that_returns_tensors_have_every_row() -> None:
    operators = [row for row in OPERATORS if row.name == "quantize_experts"]
    functional, writing = sorted(operators, key=lambda row: row.mutates)
    layouts, some = set(), 0
    for number in range(300):
        draw = Draw(0, "experts", number, CPU)
        experts = draw_experts(draw, functional, RECIPES["fp8_block"], 100)
        layouts.add(experts.layout)
        assert valid_rows(experts) == rows_in_all(experts)
        hostile = draw_experts(draw, writing, RECIPES["fp8_block"], 100)
        some += valid_rows(hostile) < rows_in_all(hostile)
    assert layouts == set(ExpertLayout)
    assert some > 100


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8], ids=str)
def test_elements_that_differ_in_any_bit_are_counted(dtype: torch.dtype) -> None:
    numbers = torch.zeros(4, 6, dtype=dtype)
    other = numbers.clone()
    assert differing(numbers, other) == 0
    other[1, 2] = other[3, 5] = 1
    assert differing(numbers, other) == 2
    assert differing(numbers, numbers.t().contiguous().t()) == numbers.numel()
    assert differing(numbers, numbers[:2]) == numbers.numel()
    if dtype.is_floating_point:
        assert differing(numbers, -numbers) == numbers.numel()
