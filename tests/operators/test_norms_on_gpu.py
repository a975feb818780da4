"""Whole rows on a GPU: the CPU's bytes for every kind of width, and whatever lies where."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

import opparity
from operator_calls import INPUT_DTYPES, assert_same_bytes
from opparity.formats import RECIPES
from opparity.operators import ELEMENTWISE, general_name
from opparity.operators.case import given_scale

opparity.load()
pytestmark = pytest.mark.gpu
OPS = torch.ops.opparity
NAMES = ("rms_norm", "add_rms_norm", "gated_rms_norm")


def rows(tokens: int, width: int, dtype: torch.dtype, seed: int) -> Tensor:
    """Return rows of ordinary, scattered, huge and tiny numbers, and some that are none."""
    draw = torch.Generator().manual_seed(seed)
    made = torch.randn(tokens, width, generator=draw)
    spread = torch.randint(-12, 12, (tokens, width), generator=draw)
    made[1::5] = torch.ldexp(made, spread)[1::5]
    made[2::5] *= torch.finfo(dtype).max / 8
    made[3::5] *= torch.finfo(dtype).tiny
    made[4::15, width // 2] = torch.nan
    return made.to(dtype)


def assert_agreement(name: str, tensors: tuple[Tensor, ...], text: str, **named: Any) -> None:  # noqa: ANN401
    operator = getattr(OPS, name).default
    scale = given_scale(RECIPES[text])
    given = None if scale is None else torch.tensor(scale)
    expected = operator(*tensors, text, scale=given, **named)
    given = None if given is None else given.cuda()
    got = operator(*(tensor.cuda() for tensor in tensors), text, scale=given, **named)
    for one, other in zip(got, expected, strict=True):
        assert_same_bytes(one, other)


def norm_tensors(name: str, tokens: int, width: int, dtype: torch.dtype) -> tuple[Tensor, ...]:
    weight = torch.linspace(-1.5, 2.0, width).to(dtype)
    beside = () if name == "rms_norm" else (rows(tokens, width, dtype, width + 1),)
    return (rows(tokens, width, dtype, width), *beside, weight)


def test_every_width_up_to_4096_and_some_up_to_65536() -> None:
    widths = [*range(1, 4097), *(n * 2048 + d for n in range(2, 33) for d in (-16, -1, 0, 16))]
    for width in [*widths, 65_536]:
        text = ("none", "fp8_token")[width % 2 if width % 16 else width // 16 % 2]
        assert_agreement("rms_norm", norm_tensors("rms_norm", 7, width, torch.bfloat16), text)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", INPUT_DTYPES, ids=str)
def test_every_recipe(name: str, dtype: torch.dtype) -> None:
    for number, text in enumerate(RECIPES):
        width = (128, 1040, 2048, 5120, 7168, 16_400, 34)[number % 7]
        tensors = norm_tensors(name, 33, width, dtype)
        rounding = ("float32", "input_dtype", "product")[number % 3]
        assert_agreement(name, tensors, text, offset=1.0, intermediate=rounding)


@pytest.mark.parametrize("producer", ELEMENTWISE, ids=lambda producer: producer.name)
def test_every_producer_by_token(producer: Any) -> None:  # noqa: ANN401
    numbers = {p.name: 3.0 for p in producer.parameters}
    name = general_name(producer)
    for width, dtype in product((128, 2048, 7168, 18_432, 34), (torch.float16, torch.bfloat16)):
        input = rows(33, width * (2 if producer.gated else 1), dtype, width)
        for text in ("fp8_token", "int8_token"):
            assert_agreement(name, (input,), text, **numbers)


def test_many_rows() -> None:
    for tokens, width in ((1_000_000, 64), (300_000, 256), (40_000, 2048), (8_192, 7168)):
        tensors = norm_tensors("add_rms_norm", tokens, width, torch.bfloat16)
        assert_agreement("add_rms_norm", tensors, "fp8_token")


def test_vllms_schemas() -> None:
    weight = torch.linspace(-1, 1, 2048).bfloat16()
    bound = torch.tensor(0.7)
    found = []
    for device in ("cpu", "cuda"):
        x, r = (rows(40, 2048, torch.bfloat16, seed).to(device) for seed in (1, 2))
        w, out = weight.to(device), torch.zeros(40, 2048, dtype=torch.int8, device=device)
        fp8 = out.view(torch.float8_e4m3fn)
        scales = torch.zeros(40, 1, device=device)
        groups = torch.zeros(40, 16, device=device)
        OPS.rms_norm_dynamic_per_token_quant(fp8, x, w, scales, 1e-6, bound.to(device), r)
        found.append([out.clone(), scales.clone(), r.clone()])
        OPS.rms_norm_per_block_quant(fp8, x, w, groups, 1e-6, bound.to(device), r, 128, False)
        found[-1] += [out.clone(), groups, r.clone()]
        OPS.fused_add_rms_norm_static_fp8_quant(fp8, x, r, w, bound.to(device), 1e-6)
        found[-1] += [out.clone(), r.clone()]
        OPS.dynamic_per_token_scaled_fp8_quant(fp8, x, scales, bound.to(device))
        found[-1] += [out.clone(), scales.clone()]
        OPS.dynamic_scaled_int8_quant(out, x, scales, None)
        OPS.fused_add_rms_norm(x, r, w, 1e-6)
        found[-1] += [out, scales, x, r]
    for expected, got in zip(*found, strict=True):
        assert_same_bytes(got, expected)


def test_unaligned_rows_and_graphs() -> None:
    wide = rows(16, 2300, torch.bfloat16, 3).cuda()
    weight = torch.ones(2048, dtype=torch.bfloat16, device="cuda")
    views = [wide[:, offset : offset + 2048] for offset in (0, 1, 4, 252)]
    expected = [OPS.rms_norm(v.contiguous().cpu(), weight.cpu(), "fp8_token") for v in views]
    found = [OPS.rms_norm(view, weight, "fp8_token") for view in views]
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = [OPS.rms_norm(view, weight, "fp8_token") for view in views]
    graph.replay()
    torch.cuda.synchronize()
    for got in (found, captured):
        for one, other in zip(got, expected, strict=True):
            for left, right in zip(one, other, strict=True):
                assert_same_bytes(left, right)
