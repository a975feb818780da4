from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

import opparity
from opparity.operators import OPERATORS, silu_and_mul_per_block_quant
from opparity.operators.selection import resolve
from opparity.platforms import PLATFORMS, Platform
from opparity.verification import golden_path

if TYPE_CHECKING:
    from opparity.operators.declaration import Operator

opparity.load()
every_operator = pytest.mark.parametrize("operator", OPERATORS, ids=lambda row: row.name)


@every_operator
def test_every_operator_has_an_implementation_on_every_platform(operator: Operator) -> None:
    assert not operator.missing_platforms()


@every_operator
def test_the_registered_schemas_are_those_of_the_table(operator: Operator) -> None:
    packet = getattr(torch.ops.opparity, operator.name)
    for overload, schema in operator.schemas.items():
        registered = getattr(packet, overload or "default")._schema
        name = f"opparity::{operator.name}" + (f".{overload}" if overload else "")
        assert torch._C.parse_schema(name + schema) == registered


@every_operator
def test_every_overload_has_a_kernel_for_every_platform_and_a_fake(operator: Operator) -> None:
    for overload in operator.schemas:
        name = f"opparity::{operator.name}" + (f".{overload}" if overload else "")
        for key in {facts.dispatch_key for facts in PLATFORMS.values()} | {"Meta"}:
            assert torch._C._dispatch_has_kernel_for_dispatch_key(name, key), (name, key)


@every_operator
def test_the_sources_of_the_table_are_those_of_the_folder(operator: Operator) -> None:
    folder = Path(__file__).parents[2] / "src" / "opparity" / "operators" / operator.name
    listed = {source for row in operator.implementations for source in row.sources}
    assert {path.name for path in folder.glob("*.cpp")} == listed


@every_operator
def test_the_golden_digests_are_those_of_the_cases(operator: Operator) -> None:
    golden = json.loads(golden_path(operator).read_text("utf-8"))
    cases = resolve(operator.cases)()
    assert isinstance(cases, list)
    assert list(golden) == [case.name for case in cases]


def test_the_default_overload_has_vllms_schema_to_the_letter() -> None:
    # csrc/libtorch_stable/torch_bindings.cpp of vLLM 0.33.0.
    assert silu_and_mul_per_block_quant.OPERATOR.schemas[""] == (
        "(Tensor! out, Tensor input, Tensor! scales, int group_size, "
        "Tensor? scale_ub=None, bool is_scale_transposed=False) -> ()"
    )


def test_rocm_shares_the_dispatch_key_of_cuda_as_torch_has_it() -> None:
    assert PLATFORMS[Platform.ROCM].dispatch_key == PLATFORMS[Platform.CUDA].dispatch_key
