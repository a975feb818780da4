"""opparity.warm_up makes the calls that load and compile, and says by whom they are served."""

from __future__ import annotations

import pytest
import torch

import opparity
from opparity.errors import ArgumentRefused, OperatorMissing
from opparity.operators import OPERATORS
from opparity.operators.silu_and_mul_per_block_quant import warming
from opparity.warming import Warmed


def test_every_dtype_and_group_size_is_called_once_on_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    called = []

    def record(input: torch.Tensor, group_size: int) -> None:
        called.append((input.device.type, input.dtype, group_size))

    monkeypatch.setattr(warming, "silu_and_mul_per_block_quant", record)
    [done] = opparity.warm_up(devices=["cpu"], input_dtypes=[torch.float32], group_sizes=[16, 32])
    assert done == Warmed(OPERATORS[0].name, "cpu", "native", 2)
    assert called == [("cpu", torch.float32, 16), ("cpu", torch.float32, 32)]


def test_it_names_the_implementation_that_serves() -> None:
    with opparity.providers(force="reference"):
        [done] = opparity.warm_up(devices=["cpu"], group_sizes=[64])
    assert done.provider == "reference"
    assert done.calls == 2


def test_an_unknown_operator_and_an_operator_that_nobody_serves_are_refused() -> None:
    with pytest.raises(ArgumentRefused, match=r"gelu: it is not in the table; allowed: silu"):
        opparity.warm_up(["gelu"], ["cpu"])
    names = {implementation.provider for implementation in OPERATORS[0].implementations}
    with opparity.providers(forbid=names), pytest.raises(OperatorMissing, match="forbids it"):
        opparity.warm_up(devices=["cpu"])


@pytest.mark.gpu
@pytest.mark.parametrize("provider", ["native", "triton"])
def test_after_it_a_graph_is_captured_without_a_first_call(provider: str) -> None:
    with opparity.providers(force=provider):
        done = opparity.warm_up(group_sizes=[128], input_dtypes=[torch.bfloat16])
        assert {each.provider for each in done} == {provider}
        inputs = [torch.ones(n, 14336, device="cuda").bfloat16() for n in (1, 300, 4096)]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            captured = [opparity.silu_and_mul_per_block_quant(input) for input in inputs]
        graph.replay()
        torch.cuda.synchronize()
    for input, result in zip(inputs, captured, strict=True):
        expected = opparity.silu_and_mul_per_block_quant(input.cpu())
        assert torch.equal(result.scales.cpu(), expected.scales)
