from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

import opparity
from opparity.formats import INPUT_DTYPES, RECIPES, VALUE_FORMATS, Intermediate
from opparity.operators import (
    IMPLEMENTATIONS,
    OPERATORS,
    PRODUCERS,
    general_name,
)
from opparity.operators.cases import cases
from opparity.operators.declaration import Direction, Role
from opparity.operators.fillings import Filling
from opparity.platforms import PLATFORMS, Platform
from opparity.verification import GOLDEN

if TYPE_CHECKING:
    from opparity.operators.declaration import Operator

opparity.load()
every_operator = pytest.mark.parametrize("operator", OPERATORS, ids=lambda row: row.qualified_name)


def test_every_platform_has_an_implementation() -> None:
    assert {p for row in IMPLEMENTATIONS for p in row.platforms} == set(Platform)


@every_operator
def test_the_registered_schemas_are_those_of_the_table(operator: Operator) -> None:
    packet = getattr(torch.ops.opparity, operator.name)
    registered = getattr(packet, operator.overload or "default")._schema
    name = f"opparity::{operator.qualified_name}"
    assert torch._C.parse_schema(name + operator.schema) == registered


@every_operator
def test_every_operator_has_kernels_for_every_platform_and_for_what_torch_does_beside(
    operator: Operator,
) -> None:
    name = f"opparity::{operator.qualified_name}"
    keys = {facts.dispatch_key for facts in PLATFORMS.values()}
    for key in keys | {"Meta", "Autograd", "FuncTorchBatched"}:
        assert torch._C._dispatch_has_kernel_for_dispatch_key(name, key), (name, key)


@every_operator
def test_arguments_have_roles_that_fit_their_types(operator: Operator) -> None:
    roles = [argument.role for argument in operator.arguments]
    assert len(set(roles) - {Role.PARAMETER, Role.UNUSED}) == len(
        [role for role in roles if role not in (Role.PARAMETER, Role.UNUSED)]
    )
    assert roles.count(Role.INPUT) == 1
    producer = next(row for row in PRODUCERS if row.name == operator.producer)
    numbers = [a.name for a in operator.arguments if a.role is Role.PARAMETER]
    assert set(numbers) <= {p.name for p in producer.parameters}
    written = set(re.findall(r"Tensor\(.!\)\?? (\w+)", operator.schema))
    outputs = {Role.VALUES, Role.SCALES, Role.ZERO_POINTS}
    outputs |= {Role.RESIDUAL} if operator.mutates else set()
    outputs |= {Role.INPUT} if operator.in_place else set()
    assert written == {a.name for a in operator.arguments if a.role in outputs}


def test_the_golden_digests_are_those_of_the_cases() -> None:
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert list(golden) == [operator.qualified_name for operator in OPERATORS]
    listed = [(operator, name) for operator, named in golden.items() for name in named]
    assert listed == [(case.operator, case.name) for case in cases()]


def test_the_golden_cases_are_enough() -> None:
    for producer in PRODUCERS:
        mine = [case for case in cases() if case.operator == general_name(producer)]
        assert {case.recipe for case in mine} >= set(RECIPES.values())
        assert {case.input_dtype for case in mine} == set(INPUT_DTYPES)
        assert {case.intermediate for case in mine} == set(Intermediate)
        assert {case.filling for case in mine} == set(Filling)
        assert {case.interleaved for case in mine} == ({True, False} if producer.gated else {False})
        assert sum(case.num_tokens * case.hidden_size for case in mine) >= 100_000
    exhaustive = {
        (case.recipe.value, case.input_dtype)
        for case in cases()
        if case.operator == "quantize" and case.filling is Filling.EVERY_GATE
    }
    assert exhaustive >= {(v, d) for v in VALUE_FORMATS for d in ("float16", "bfloat16")}
    assert {case.operator for case in cases()} == {row.qualified_name for row in OPERATORS}
    backward = [row for row in OPERATORS if row.direction is Direction.BACKWARD]
    assert len(backward) == len(PRODUCERS) - 1


def test_rocm_shares_the_dispatch_key_of_cuda_as_torch_has_it() -> None:
    assert PLATFORMS[Platform.ROCM].dispatch_key == PLATFORMS[Platform.CUDA].dispatch_key


def test_every_producer_is_a_public_name_and_has_a_file_of_cpp() -> None:
    folder = Path(__file__).parents[2] / "src" / "opparity" / "native" / "producers"
    for producer in PRODUCERS:
        assert general_name(producer) in opparity.__all__
        assert f"struct {producer.functor} " in (folder / f"{producer.name}.h").read_text("utf-8")
