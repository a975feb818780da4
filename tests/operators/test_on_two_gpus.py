"""Operators on two GPUs of one process: whichever is current, from threads, and never across."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import bytes_of

if TYPE_CHECKING:
    from collections.abc import Iterable

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("two_gpus")]

TOKENS, WIDTH = 64, 2048
Call = Callable[[Tensor], tuple[Tensor, ...]]


def quantised(found: opparity.Quantized) -> tuple[Tensor, ...]:
    return tuple(found)


def normed(input: Tensor) -> tuple[Tensor, ...]:
    return quantised(opparity.rms_norm(input, input[0].contiguous(), "fp8_token"))


def of_experts(input: Tensor) -> tuple[Tensor, ...]:
    counts = torch.tensor([16, 3, 0, 9], dtype=torch.int32, device=input.device)
    masked = opparity.Experts.masked(counts)
    found = opparity.silu_and_mul(input.unflatten(0, (4, -1)), "fp8_block", experts=masked)
    valid = [(expert, slice(0, count)) for expert, count in enumerate(counts.tolist())]
    return tuple(part[place] for part in found for place in valid)


def with_columns(input: Tensor) -> tuple[Tensor, ...]:
    rows, columns = opparity.rows_and_columns(input, "mxfp8")
    return (*quantised(rows), *quantised(columns))


def gradient(input: Tensor) -> tuple[Tensor, ...]:
    wanted = input.detach().requires_grad_()
    opparity.silu_and_mul(wanted).sum().backward()
    assert wanted.grad is not None
    return (wanted.grad,)


CALLS: list[Call] = [
    lambda input: quantised(opparity.silu_and_mul(input, "fp8_block")),
    lambda input: quantised(opparity.quantize(input, "nvfp4", scale=input.new_tensor(3.0).float())),
    lambda input: (opparity.gelu_and_mul(input),),
    normed,
    of_experts,
    with_columns,
    gradient,
]
every_call = pytest.mark.parametrize("call", CALLS)


def drawn() -> Tensor:
    return torch.randn(TOKENS, WIDTH).bfloat16()


def all_bytes(tensors: Iterable[Tensor]) -> list[bytes]:
    return [bytes_of(tensor).numpy().tobytes() for tensor in tensors]


@every_call
@pytest.mark.parametrize("current", [0, 1])
@pytest.mark.parametrize("device", [0, 1])
def test_the_current_device_may_be_another_one(call: Call, current: int, device: int) -> None:
    input = drawn()
    with torch.cuda.device(current):
        found = call(input.to(f"cuda:{device}"))
        assert torch.cuda.current_device() == current
    assert all(tensor.device.index == device for tensor in found)
    assert all_bytes(found) == all_bytes(call(input))


@every_call
def test_threads_share_both_devices(call: Call) -> None:
    inputs = [drawn() for _ in range(16)]
    expected = [all_bytes(call(input)) for input in inputs]

    def on_both(input: Tensor) -> list[list[bytes]]:
        return [all_bytes(call(input.to(f"cuda:{device}"))) for device in (0, 1, 0, 1)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(on_both, inputs))
    assert found == [[right] * 4 for right in expected]


def test_a_graph_of_each_device_is_replayed() -> None:
    graphs, inputs, results = [], [], []
    for device in (0, 1):
        with torch.cuda.device(device):
            input = drawn().cuda()
            opparity.silu_and_mul(input, "fp8_block")
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=torch.cuda.Stream()):
                results.append(opparity.silu_and_mul(input, "fp8_block"))
        graphs.append(graph)
        inputs.append(input)
    fresh = drawn()
    for input, graph in zip(inputs, graphs, strict=True):
        input.copy_(fresh)
        graph.replay()
    expected = all_bytes(opparity.silu_and_mul(fresh, "fp8_block"))
    assert [all_bytes(result) for result in results] == [expected, expected]


def test_tensors_of_two_gpus_are_refused_in_words() -> None:
    input, weight = drawn().to("cuda:0"), torch.ones(WIDTH, device="cuda:1").bfloat16()
    with pytest.raises(RuntimeError, match="allowed: one device"):
        opparity.rms_norm(input, weight)
    with pytest.raises(RuntimeError, match="allowed: one device"):
        opparity.quantize(input, "fp8_tensor", scale=torch.ones((), device="cuda:1"))
    counts = torch.ones(4, dtype=torch.int32, device="cuda:1")
    with pytest.raises(RuntimeError, match="allowed: one device"):
        opparity.silu_and_mul(
            input.unflatten(0, (4, -1)), "fp8_block", experts=opparity.Experts.masked(counts)
        )
