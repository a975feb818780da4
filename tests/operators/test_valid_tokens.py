"""situ_and_mul_quant where a number on the device says how many of the first rows count."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import assert_same_bytes
from opparity import providers

if TYPE_CHECKING:
    from collections.abc import Iterator

opparity.load()
situ_and_mul_quant: Any = torch.ops.opparity.situ_and_mul_quant
both = pytest.mark.parametrize("provider", ["native", "reference"])
ROWS, WIDTH, GROUPS = 12, 384, 3
POISON = 0x55
MOST = 2**31 - 1


def made(device: str = "cpu") -> tuple[Tensor, Tensor, Tensor]:
    """Return an input, poisoned values, and scales that are no rows of a larger tensor's."""
    input = torch.randn(ROWS, 2 * WIDTH, device=device).bfloat16()
    values = torch.full((ROWS, WIDTH), POISON, dtype=torch.uint8, device=device)
    scales = torch.full((ROWS, GROUPS + 2), -5.0, device=device)[:, :GROUPS]
    return input, values.view(torch.float8_e4m3fn), scales


def call(
    input: Tensor, values: Tensor, scales: Tensor, count: Tensor | None, topk: int = 1
) -> None:
    situ_and_mul_quant(values, scales, input, 4.0, 25.0, 128, count, topk)


def assert_first(input: Tensor, values: Tensor, scales: Tensor, first: int) -> None:
    """Fail where other rows are written than the first, or have other scales than 1."""
    expected, own = made(str(input.device))[1:]
    call(input, expected, own, None)
    assert_same_bytes(values[:first], expected[:first])
    assert_same_bytes(scales[:first], own[:first])
    assert (values[first:].view(torch.uint8) == POISON).all()
    # As vLLM's kernel leaves them.
    assert torch.equal(scales[first:], torch.ones_like(scales[first:]))


@both
@pytest.mark.parametrize(
    ("count", "topk", "first"),
    [
        *((0, 1, 0), (1, 1, 1), (5, 1, 5), (3, 4, 12), (2, 3, 6), (12, 1, 12)),
        # What no router says counts as the nearest that fits.
        *((-1, 1, 0), (MOST, 1, 12), (MOST, MOST, 12), (-MOST, MOST, 0), (13, 1, 12)),
    ],
)
def test_the_first_rows_are_those_of_a_call_without_a_count_and_others_stay(
    provider: str, count: int, topk: int, first: int
) -> None:
    input, values, scales = made()
    with providers(force=provider):
        call(input, values, scales, torch.tensor(count, dtype=torch.int32), topk)
        assert_first(input, values, scales, first)
    # Nothing beside the scales of a row.
    assert (scales._base[:, GROUPS:] == -5.0).all()  # type: ignore[index]


@both
def test_a_list_of_one_count_is_one_as_deepeps_last_prefix_sum(provider: str) -> None:
    ends = torch.tensor([2, 2, 7], dtype=torch.int32)
    input, values, scales = made()
    with providers(force=provider):
        call(input, values, scales, ends[-1:])
        assert_first(input, values, scales, 7)


@both
def test_the_rows_are_those_of_the_public_layout(provider: str) -> None:
    count = torch.tensor(4, dtype=torch.int32)
    input, values, scales = made()
    with providers(force=provider):
        call(input, values, scales, count, 2)
        experts = opparity.Experts.first_rows(count, top_k=2)
        found = opparity.situ_and_mul(
            input, "fp8_block", intermediate="product", experts=experts, beta=4.0, linear_beta=25.0
        )
    assert_same_bytes(values[:8], found.values[:8])
    assert_same_bytes(scales[:8], found.scales[:8])


def test_without_a_count_topk_means_nothing() -> None:
    input, values, scales = made()
    call(input, values, scales, None, 0)
    assert_first(input, values, scales, ROWS)


def test_a_compiled_call_takes_another_count() -> None:
    compiled = torch.compile(call, fullgraph=True)
    for count in (3, 9, 0):
        input, values, scales = made()
        compiled(input, values, scales, torch.tensor(count, dtype=torch.int32))
        assert_first(input, values, scales, count)


def test_no_rows_are_no_work() -> None:
    input, values, scales = (tensor[:0] for tensor in made())
    call(input, values, scales, torch.tensor(3, dtype=torch.int32))


@pytest.mark.gpu
def test_a_graph_is_replayed_with_another_count() -> None:
    input, values, scales = made("cuda")
    count = torch.tensor(2, dtype=torch.int32, device="cuda")
    call(input, values, scales, count)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call(input, values, scales, count)
    for number in (7, 0, 12, 1):
        values.view(torch.uint8).fill_(POISON)
        count.fill_(number)
        graph.replay()
        torch.cuda.synchronize()
        assert_first(input, values, scales, number)


@contextmanager
def waiting_is_an_error() -> Iterator[None]:
    """Let torch raise where something waits for the GPU.

    torch warns that this mode is a prototype after it has switched it on. Where a warning is an
    error, as in these tests, that one must not leave the mode on for every test after this.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            torch.cuda.set_sync_debug_mode("error")
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
def test_nothing_waits_for_the_gpu() -> None:
    input, values, scales = made("cuda")
    count = torch.tensor(2, dtype=torch.int32, device="cuda")
    call(input, values, scales, count)
    with waiting_is_an_error():
        call(input, values, scales, count)
    assert_first(input, values, scales, 2)


@pytest.mark.gpu
def test_what_waits_for_the_gpu_is_noticed() -> None:
    count = torch.tensor(2, dtype=torch.int32, device="cuda")
    with waiting_is_an_error(), pytest.raises(RuntimeError, match="synchronizing"):
        count.item()
    assert count.item() == 2
