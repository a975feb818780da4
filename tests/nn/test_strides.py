"""Modules take inputs whose rows do not lie in one piece, as torch's do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from opparity.nn import (
    BlockFP8Linear,
    GatedRMSNorm,
    Int8Linear,
    Int8SwiGLU,
    MXFP8Linear,
    RMSNorm,
    TrainedLinear,
)
from opparity.nn.strides import adjacent

if TYPE_CHECKING:
    from torch import nn

KINDS = [BlockFP8Linear, MXFP8Linear, Int8Linear]
MODULES = [
    *(kind.from_linear(torch.nn.Linear(256, 32)) for kind in KINDS),
    TrainedLinear(256, 32),
    Int8SwiGLU(
        Int8Linear.from_linear(torch.nn.Linear(256, 64)),
        Int8Linear.from_linear(torch.nn.Linear(32, 256)),
    ),
    RMSNorm(torch.rand(256)),
    RMSNorm(torch.rand(256), recipe="int8_token"),
]


def apart(*shape: int) -> torch.Tensor:
    return torch.randn(*reversed(shape)).permute(*reversed(range(len(shape))))


@pytest.mark.parametrize("module", MODULES, ids=lambda module: type(module).__name__)
@pytest.mark.parametrize("shape", [(4, 256), (2, 3, 256)])
def test_rows_that_are_apart_give_what_a_copy_gives(
    module: nn.Module, shape: tuple[int, ...]
) -> None:
    input = apart(*shape)
    assert input.stride(-1) != 1
    for found, expected in zip(module(input), module(input.contiguous()), strict=True):
        assert torch.equal(found, expected)


def test_a_residual_and_a_gate_may_be_apart_too() -> None:
    weight, input, other = torch.rand(256), apart(4, 256), apart(4, 256)
    pair = input.contiguous(), other.contiguous()
    for found, expected in zip(RMSNorm(weight)(input, other), RMSNorm(weight)(*pair), strict=True):
        assert torch.equal(found, expected)
    assert torch.equal(GatedRMSNorm(weight)(input, other), GatedRMSNorm(weight)(*pair))


def test_what_an_operator_reads_as_it_is_is_not_copied() -> None:
    rows = torch.randn(8, 512)[::2, :256]
    assert not rows.is_contiguous()
    assert adjacent(rows) is rows
