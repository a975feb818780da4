from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import nn

from opparity import Quantized, quantize
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, ScaleLayout
from opparity.nn import (
    Int8SwiGLU,
    MXFP8Linear,
    RMSNorm,
    SwiGLU,
    TrainedLinear,
    ask_for_product,
)
from opparity.nn.parallel import ParallelSwiGLU
from two_processes import PROCESSES, run

HIDDEN, INNER = 256, 512


class MXFP8SwiGLU(SwiGLU):
    linear = MXFP8Linear


def made(kind: type[SwiGLU], inner: int = INNER, *, bias: bool = True) -> SwiGLU:
    linears = (
        nn.Linear(HIDDEN, inner, bias=bias),
        nn.Linear(HIDDEN, inner, bias=bias),
        nn.Linear(inner, HIDDEN, bias=bias),
    )
    return kind.from_linears(*(linear.bfloat16() for linear in linears))


def int8_gives_the_bytes_of_one_device(rank: int) -> None:
    del rank
    for tokens in (1, 7, 64):
        whole = made(Int8SwiGLU)
        input = torch.randn(tokens, HIDDEN).bfloat16()
        assert torch.equal(ParallelSwiGLU(whole)(input), whole(input))


def int8_gives_them_by_sequence(rank: int) -> None:
    whole = made(Int8SwiGLU)
    parallel = ParallelSwiGLU(whole, sequence=True)
    input = torch.randn(32, HIDDEN).bfloat16()
    norm = RMSNorm(torch.rand(HIDDEN).bfloat16(), recipe="int8_token")
    mine = input.chunk(PROCESSES)[rank]
    assert torch.equal(parallel(mine), whole(input).chunk(PROCESSES)[rank])
    assert torch.equal(parallel(norm(mine)), whole(norm(input)).chunk(PROCESSES)[rank])


def int8_takes_one_outlier_for_all(rank: int) -> None:
    """The scale of a token follows from one process's numbers, and both take it."""
    del rank
    whole = made(Int8SwiGLU)
    whole.gate_up.weight_scales[3] *= 1000
    input = torch.randn(16, HIDDEN).bfloat16()
    assert torch.equal(ParallelSwiGLU(whole)(input), whole(input))


def int8_spreads_nan_to_all(rank: int) -> None:
    del rank
    whole = made(Int8SwiGLU)
    whole.gate_up.weight_scales[-1] = float("nan")
    found = ParallelSwiGLU(whole)(torch.randn(4, HIDDEN).bfloat16())
    assert found.isnan().all()


def an_exact_product_stays_one(rank: int) -> None:
    del rank
    whole = made(SwiGLU)
    ask_for_product(whole, "exact")
    assert ParallelSwiGLU(whole).down.product.name == "exact"


def recorded(mlp: SwiGLU | ParallelSwiGLU) -> list[Quantized]:
    """Return a list that gets the activations of each call of an MLP."""
    found: list[Quantized] = []
    activation = mlp._activation

    def record(*arguments: Any, **numbers: float) -> Quantized:  # noqa: ANN401 -- as they come
        found.append(activation(*arguments, **numbers))
        return found[-1]

    mlp._activation = record
    return found


def fp8_has_the_codes_of_one_device(rank: int) -> None:
    for kind, sequence in product((SwiGLU, MXFP8SwiGLU), (False, True)):
        whole = made(kind)
        parallel = ParallelSwiGLU(whole, sequence=sequence)
        input = torch.randn(32, HIDDEN).bfloat16()
        mine = input.chunk(PROCESSES)[rank] if sequence else input
        expected = whole(input).chunk(PROCESSES)[rank] if sequence else whole(input)
        made_by_one, made_here = recorded(whole), recorded(parallel)
        whole(input)
        found = parallel(mine)
        # A sum in another order, rounded to bfloat16 once.
        assert (found - expected).abs().max() <= 2.0**-7 * expected.abs().max()
        for part, everything in zip(made_here[0], made_by_one[0], strict=True):
            share = everything.chunk(PROCESSES, -1)[rank]
            assert torch.equal(
                part.contiguous().view(torch.uint8), share.contiguous().view(torch.uint8)
            )
        assert torch.equal(
            parallel.gate_up.weight.view(torch.uint8)[: INNER // 2],
            whole.gate_up.weight.view(torch.uint8)[INNER // 2 * rank :][: INNER // 2],
        )


def what_it_cannot_do_is_refused(rank: int) -> None:
    del rank
    parallel = ParallelSwiGLU(made(Int8SwiGLU))
    with pytest.raises(ArgumentRefused, match="the input's gradient is asked for"):
        parallel(torch.randn(4, HIDDEN, requires_grad=True))
    with pytest.raises(ArgumentRefused, match="the input has 3 dimensions; allowed: 2"):
        parallel(torch.randn(1, 4, HIDDEN))
    trained = SwiGLU(TrainedLinear(HIDDEN, 2 * INNER), TrainedLinear(INNER, HIDDEN))
    with pytest.raises(ArgumentRefused, match="the MLP has a TrainedLinear; allowed: quantised"):
        ParallelSwiGLU(trained)


def a_width_that_splits_a_group_is_refused(rank: int) -> None:
    del rank
    with pytest.raises(
        ArgumentRefused, match="384 wide and shared by 2 processes; allowed: a mult"
    ):
        ParallelSwiGLU(made(SwiGLU, 384))
    with pytest.raises(ArgumentRefused, match="a multiple of 64, so that each"):
        ParallelSwiGLU(made(MXFP8SwiGLU, 416))
    with pytest.raises(ArgumentRefused, match="a multiple of 2, so that each"):
        ParallelSwiGLU(made(Int8SwiGLU, 385))


def a_quantised_input_is_gathered_in_any_layout(rank: int) -> None:
    whole = made(SwiGLU)
    ask_for_product(whole, "exact")
    input = torch.randn(32, HIDDEN).bfloat16()
    mine = input.chunk(PROCESSES)[rank]
    parallel = ParallelSwiGLU(whole, sequence=True)
    by_columns = RECIPES["fp8_block"].with_layout(ScaleLayout.COLUMN_MAJOR)
    assert torch.equal(parallel(quantize(mine, by_columns)), parallel(mine))
    with pytest.raises(ArgumentRefused, match="the input is quantised by 'int8"):
        parallel(quantize(mine, "int8_token"))


SCENARIOS = (
    a_quantised_input_is_gathered_in_any_layout,
    int8_gives_the_bytes_of_one_device,
    int8_gives_them_by_sequence,
    int8_takes_one_outlier_for_all,
    int8_spreads_nan_to_all,
    an_exact_product_stays_one,
    fp8_has_the_codes_of_one_device,
    a_width_that_splits_a_group_is_refused,
    what_it_cannot_do_is_refused,
)


def test_two_processes() -> None:
    run(*SCENARIOS)


@pytest.mark.gpu
@pytest.mark.usefixtures("two_gpus")
def test_two_gpus() -> None:
    run(*SCENARIOS, device="cuda")
