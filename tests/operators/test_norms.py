"""Norms: what they compute, against the reference and torch, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

import opparity
from bit_patterns import every_pattern
from operator_calls import INPUT_DTYPES, assert_same_bytes
from opparity import providers
from opparity.errors import ArgumentRefused
from opparity.formats import RECIPES, Intermediate
from opparity.operators.case import given_scale
from opparity.operators.fillings import Filling, make_input

opparity.load()
OPS = torch.ops.opparity
both = pytest.mark.parametrize("provider", ["native", "reference"])
every_dtype = pytest.mark.parametrize("dtype", INPUT_DTYPES, ids=str)
NAMES = ("rms_norm", "add_rms_norm", "gated_rms_norm")
every_norm = pytest.mark.parametrize("name", NAMES)


def tensors_for(
    name: str, tokens: int, width: int, dtype: torch.dtype, filling: Filling = Filling.ACTIVATIONS
) -> tuple[Tensor, ...]:
    """Return a norm's tensors: input, what is beside it, and the weight."""
    even = (width + 15) // 16 * 16
    made = make_input(filling, tokens, even, str(dtype).removeprefix("torch."), width)
    input, other = made[:, :width].contiguous(), made[:, even : even + width].contiguous()
    weight = torch.linspace(-1.5, 2.0, width).to(dtype)
    return (input, weight) if name == "rms_norm" else (input, other, weight)


def by(provider: str, name: str, *arguments: object, **named: Any) -> tuple[Tensor, ...]:  # noqa: ANN401
    """Return all tensors that a norm's operator returns."""
    with providers(force=provider):
        found: tuple[Tensor, ...] = getattr(OPS, name)(*arguments, **named)
    return found


def assert_agreement(name: str, tensors: tuple[Tensor, ...], text: str, **named: Any) -> None:  # noqa: ANN401
    scale = given_scale(RECIPES[text])
    named["scale"] = None if scale is None else torch.tensor(scale)
    results = [by(p, name, *tensors, text, **named) for p in ("native", "reference")]
    for got, expected in zip(*results, strict=True):
        assert_same_bytes(got, expected)


@pytest.mark.parametrize("first", range(1, 4097, 256))
def test_every_width_up_to_4096_gives_the_references_bytes(first: int) -> None:
    texts = ("none", "fp8_token", "fp8_block_64", "int8_token", "mxfp8")
    for width in range(first, first + 256):
        name, dtype = NAMES[width % 3], INPUT_DTYPES[width // 3 % 3]
        assert_agreement(name, tensors_for(name, 3, width, dtype), texts[width % 5])
    # Values by token of a producer that is not a norm.
    for width in range(first, first + 256, 7):
        input = make_input(Filling.ACTIVATIONS, 3, (width + 7) // 8 * 8, "bfloat16", width)
        results = [by(p, "silu_and_mul", input, "int8_token") for p in ("native", "reference")]
        for got, expected in zip(*results, strict=True):
            assert_same_bytes(got, expected)


@every_norm
@pytest.mark.parametrize("text", RECIPES)
@pytest.mark.parametrize("width", [96, 1040, 7168])
def test_every_recipe_gives_the_references_bytes(name: str, text: str, width: int) -> None:
    for dtype, intermediate in zip(INPUT_DTYPES, Intermediate, strict=True):
        tensors = tensors_for(name, 5, width, dtype, Filling.FINITE_PATTERNS)
        assert_agreement(name, tensors, text, offset=1.0, intermediate=str(intermediate))


@every_norm
@every_dtype
def test_hostile_bits_give_the_references_bytes(name: str, dtype: torch.dtype) -> None:
    for filling, width in ((Filling.PATTERNS, 528), (Filling.SPECIAL, 1024)):
        tensors = tensors_for(name, 16, width, dtype, filling)
        for text in ("none", "fp8_token", "int8_token", "mxfp4", "fp8_tensor"):
            assert_agreement(name, tensors, text)
        # A row of which each square is infinite, and one of which each is zero.
        huge, tiny = torch.full((1, width), 3e19), torch.full((1, width), 1e-30)
        rows = torch.cat((huge, tiny)).to(dtype)
        assert_agreement("rms_norm", (rows, tensors[-1]), "fp8_block")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_every_number_of_16_bits_is_read_as_the_reference_reads_it(dtype: torch.dtype) -> None:
    patterns = every_pattern(dtype)
    # Each finite number in a row of its own size, so that none is lost in another's sum.
    rows = patterns[patterns.isfinite()].view(-1, 2).repeat(1, 8)
    for text in ("none", "fp8_token"):
        assert_agreement("rms_norm", (rows, torch.ones(16, dtype=dtype)), text)
    ones = torch.ones(1 << 13, 8, dtype=dtype)
    for place in range(3):
        tensors = [ones, ones, torch.ones(8, dtype=dtype)]
        if place < 2:
            tensors[place] = patterns.view(-1, 8)
        for name in ("add_rms_norm", "gated_rms_norm"):
            assert_agreement(name, tuple(tensors), "none")
    weights = patterns.view(8, -1)
    for weight in weights:
        assert_agreement("rms_norm", (torch.ones(1, len(weight), dtype=dtype), weight), "none")


@both
@every_dtype
def test_a_norm_is_torchs_own_up_to_its_rounding(provider: str, dtype: torch.dtype) -> None:
    input, gate, weight = tensors_for("gated_rms_norm", 7, 768, dtype)
    exact = functional.rms_norm(input.double(), (768,), weight.double(), 1e-5)
    gated = exact * functional.silu(gate.double())
    summed = functional.rms_norm((input + gate).double(), (768,), weight.double() + 1, 1e-5)
    tolerance = {torch.float32: 1e-6, torch.float16: 1e-3, torch.bfloat16: 8e-3}[dtype]
    with providers(force=provider):
        found = (
            opparity.rms_norm(input, weight, epsilon=1e-5),
            opparity.gated_rms_norm(input, gate, weight, epsilon=1e-5),
            opparity.add_rms_norm(input, gate, weight, epsilon=1e-5, offset=1.0)[0],
        )
    for got, expected in zip(found, (exact, gated, summed), strict=True):
        torch.testing.assert_close(got.double(), expected, rtol=tolerance, atol=6e-8)


@both
def test_a_sum_is_rounded_once_and_its_norm_reads_it_so(provider: str) -> None:
    input, residual, weight = tensors_for("add_rms_norm", 7, 300, torch.bfloat16)
    with providers(force=provider):
        product, total = opparity.add_rms_norm(input, residual, weight)
        assert_same_bytes(total, input + residual)
        assert_same_bytes(product, opparity.rms_norm(total, weight))
        values, scales = torch.empty_like(input), torch.empty(0)
        updated = residual.clone()
        OPS.add_rms_norm.out(input, updated, weight, "none", values=values, scales=scales)
    assert_same_bytes(values, product)
    assert_same_bytes(updated, total)


@both
def test_without_a_weight_and_an_offset_the_factor_is_one(provider: str) -> None:
    input = tensors_for("rms_norm", 3, 100, torch.float16)[0]
    with providers(force=provider):
        without = opparity.rms_norm(input, None, "fp8_token")
        ones = opparity.rms_norm(input, torch.ones(100, dtype=torch.float16), "fp8_token")
        offset = opparity.rms_norm(
            input, torch.zeros(100, dtype=torch.float16), "fp8_token", offset=1.0
        )
    for other in (ones, offset):
        assert_same_bytes(without.values, other.values)
        assert_same_bytes(without.scales, other.scales)


@both
def test_strides_of_rows_are_honoured_and_nothing_beside_is_written(provider: str) -> None:
    input, residual, weight = tensors_for("add_rms_norm", 6, 200, torch.bfloat16)
    inputs, residuals = (torch.full((6, 300), 7.0, dtype=torch.bfloat16) for _ in range(2))
    inputs[:, :200], residuals[:, 50:250] = input, residual
    values = torch.full((6, 256), 0x55, dtype=torch.uint8)
    scales = torch.full((6, 2), -1.0)
    with providers(force=provider):
        OPS.add_rms_norm.out(
            inputs[:, :200],
            residuals[:, 50:250],
            weight,
            "fp8_token",
            values=values.view(torch.float8_e4m3fn)[:, 10:210],
            scales=scales[:, 1:],
        )
        expected, total = opparity.add_rms_norm(input, residual, weight, "fp8_token")
    assert_same_bytes(values[:, 10:210].contiguous(), expected.values.view(torch.uint8))
    assert_same_bytes(scales[:, 1:].contiguous(), expected.scales)
    assert_same_bytes(residuals[:, 50:250].contiguous(), total)
    for untouched in (inputs[:, 200:], residuals[:, :50], residuals[:, 250:]):
        assert (untouched == 7).all()
    assert (values[:, :10] == 0x55).all()
    assert (values[:, 210:] == 0x55).all()
    assert (scales[:, 0] == -1).all()


@both
@every_norm
def test_no_tokens_give_nothing(provider: str, name: str) -> None:
    tensors = tensors_for(name, 1, 64, torch.bfloat16)
    empty = (*(tensor[:0] for tensor in tensors[:-1]), tensors[-1])
    for text in ("none", "fp8_token", "mxfp8", "fp8_tensor"):
        scale = given_scale(RECIPES[text])
        found = by(provider, name, *empty, text, scale=None if scale is None else torch.ones(()))
        assert found[0].shape == (0, 64)
        assert found[1].numel() == 0


def test_other_tokens_and_threads_change_nothing() -> None:
    input, residual, weight = tensors_for("add_rms_norm", 300, 2056, torch.bfloat16)
    whole = OPS.add_rms_norm(input, residual, weight, "int8_token")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = OPS.add_rms_norm(input, residual, weight, "int8_token")
    finally:
        torch.set_num_threads(threads)
    order = torch.randperm(300)
    turned = OPS.add_rms_norm(input[order], residual[order], weight, "int8_token")
    for all_of_it, alone, other in zip(whole, one, turned, strict=True):
        assert_same_bytes(alone, all_of_it)
        assert_same_bytes(other, all_of_it[order])


def test_an_operator_that_writes_refuses_what_requires_grad() -> None:
    input, residual, weight = tensors_for("add_rms_norm", 3, 64, torch.float32)
    weight.requires_grad_()
    with pytest.raises(ArgumentRefused, match=r"or call opparity\.rms_norm, which has one"):
        OPS.fused_add_rms_norm(input, residual, weight, 1e-6)


@pytest.mark.parametrize("text", ["none", "fp8_token", "mxfp8"])
def test_compiled_as_one_graph_with_any_number_of_tokens(text: str) -> None:
    def block(input: Tensor, residual: Tensor, weight: Tensor) -> Any:  # noqa: ANN401
        first, total = opparity.add_rms_norm(input * 2, residual, weight, text)
        return first, opparity.gated_rms_norm(total, input, weight, text)

    torch._dynamo.reset()
    compiled = torch.compile(block, fullgraph=True, dynamic=True, backend="aot_eager")
    with torch._dynamo.config.patch(error_on_recompile=True):
        for num_tokens in (5, 2, 33):
            tensors = tensors_for("add_rms_norm", num_tokens, 96, torch.bfloat16)
            for got, expected in zip(compiled(*tensors), block(*tensors), strict=True):
                parts = ((got, expected),) if text == "none" else zip(got, expected, strict=True)
                for one, other in parts:
                    assert_same_bytes(one, other)


def test_vmap_takes_a_batch_of_rows_and_no_batch_of_weights() -> None:
    input, residual, weight = tensors_for("add_rms_norm", 12, 64, torch.bfloat16)
    batched = [tensor.view(3, 4, 64) for tensor in (input, residual)]
    found = torch.vmap(lambda x, r: OPS.add_rms_norm(x, r, weight, "fp8_token"))(*batched)
    expected = OPS.add_rms_norm(input, residual, weight, "fp8_token")
    for got, one in zip(found, expected, strict=True):
        assert_same_bytes(got.flatten(0, 1), one)
    with pytest.raises(ArgumentRefused, match="weight differs within"):
        torch.vmap(lambda w: OPS.rms_norm(input, w, "none"))(weight.expand(2, 64).contiguous())


MISTAKES: dict[str, dict[str, Any]] = {
    "weight has shape [63]; allowed: [64], [hidden_size]": {"weight": torch.ones(63)},
    "weight has dtype bfloat16; allowed: float32": {"weight": torch.ones(64).bfloat16()},
    "weight's last dimension has stride 2; allowed: 1": {"weight": torch.ones(128)[::2]},
    "residual has shape [3, 65]; allowed: [4, 64]": {"residual": torch.ones(3, 65)},
    "residual has dtype float16; allowed: float32": {"residual": torch.ones(4, 64).half()},
    "residual has strides [0, 1]; allowed: 1 in the last": {
        "residual": torch.ones(1, 64).expand(4, 64)
    },
    "epsilon is 0; allowed: 1e-30 to 1e+30; choose one": {"epsilon": 0.0},
}


@both
@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_told_in_the_same_words_by_both(provider: str, words: str) -> None:
    given = {
        "input": torch.ones(4, 64),
        "residual": torch.ones(4, 64),
        "weight": torch.ones(64),
        "epsilon": 1e-6,
    }
    with providers(force=provider), pytest.raises(RuntimeError) as caught:
        OPS.fused_add_rms_norm(**(given | MISTAKES[words]))
    assert f"fused_add_rms_norm: {words}" in str(caught.value)


@both
def test_outputs_that_share_memory_and_zero_points_are_refused(provider: str) -> None:
    both_of_it, weight = torch.ones(4, 64), torch.ones(64)
    with providers(force=provider):
        with pytest.raises(RuntimeError, match="input and residual share memory; allowed"):
            OPS.fused_add_rms_norm(both_of_it, both_of_it, weight, 1e-6)
        codes, scales = torch.empty(4, 64, dtype=torch.int8), torch.empty(4, 1)
        with pytest.raises(RuntimeError, match="azp is given; allowed: None, since codes are"):
            OPS.dynamic_scaled_int8_quant(codes, both_of_it, scales, scales.int())
