from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn import functional

import opparity
from integrations.compiled import AUTOGRAD, CONFIG, installed_pass
from opparity.errors import ArgumentRefused
from opparity.integrations.compile_pass import FusionPass, Match, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    Pair = tuple[Tensor, Tensor]


@pytest.fixture
def installed() -> Iterator[FusionPass]:
    """Give the pass as it takes the most: also what changes up to 0.5 % of the codes."""
    with installed_pass(changed_codes=0.005) as made:
        yield made


def blocks(product: Tensor, group: int = 128) -> Pair:
    groups = product.float().view(*product.shape[:-1], -1, group)
    scales = (groups.abs().amax(-1) / 448.0).clamp_min(1.0 / (448.0 * 512.0))
    codes = (groups / scales.unsqueeze(-1)).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def by_reciprocal(product: Tensor) -> Pair:
    wide = product.to(torch.float32).unflatten(-1, (-1, 64))
    largest, _ = wide.abs().max(dim=-1, keepdim=True)
    scales = torch.clamp(largest, min=1e-10) * (1 / 448.0)
    codes = (wide * scales.reciprocal()).clamp(min=-448.0, max=448.0)
    return codes.to(torch.float8_e4m3fn).flatten(-2), scales.squeeze(-1)


def powers_of_two(product: Tensor) -> Pair:
    groups = product.float().unflatten(-1, (-1, 128))
    scales = torch.exp2(torch.ceil(torch.log2((groups.abs().amax(-1) / 448.0).clamp_min(1e-10))))
    codes = (groups / scales[..., None]).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def by_token(product: Tensor) -> Pair:
    wide = product.float()
    scales = wide.abs().amax(-1, keepdim=True).clamp_min(1e-5) / 127.0
    return (wide / scales).round().clamp(-128, 127).to(torch.int8), scales


def silu(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return functional.silu(gate) * up


def silu_by_hand(input: Tensor) -> Tensor:
    half = input.shape[-1] // 2
    gate = input[..., :half].float()
    return gate * torch.sigmoid(gate) * input[..., half:].float()


def gelu_tanh(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return functional.gelu(gate, approximate="tanh") * up


SPELLINGS: dict[str, tuple[Callable[[Tensor], Pair], str, str]] = {
    "eager modules": (lambda x: blocks(silu(x)), "silu_and_mul", "float8_e4m3fn/128/"),
    "in float32": (lambda x: by_reciprocal(silu_by_hand(x)), "silu_and_mul", "float8_e4m3fn/64/"),
    "gelu": (lambda x: blocks(gelu_tanh(x)), "gelu_tanh_and_mul", "float8_e4m3fn/128/"),
    "powers of two": (
        lambda x: powers_of_two(silu(x)),
        "silu_and_mul",
        "float8_e4m3fn/128/ue8m0_float32/ceil",
    ),
    "int8 by token": (lambda x: by_token(silu(x)), "silu_and_mul", "int8/row/"),
    "quantisation alone": (lambda x: blocks(x, 64), "quantize", "float8_e4m3fn/64/"),
    "relu squared": (
        lambda x: blocks(torch.relu(x.float()).square()),
        "relu_squared",
        "float8_e4m3fn/128/",
    ),
}


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_is_found_and_computed_by_the_operator(
    spelling: str, dynamic: bool, installed: FusionPass
) -> None:
    function, operator, recipe = SPELLINGS[spelling]
    input = torch.randn(6, 1024).bfloat16()
    values, scales = torch.compile(function, dynamic=dynamic, fullgraph=True)(input)
    (match,) = installed.matches
    assert match.what is not None
    assert match.what.candidate.operator == operator
    assert match.what.candidate.recipe.startswith(recipe)
    expected = getattr(torch.ops.opparity, operator)(
        input, match.what.candidate.recipe, intermediate=match.what.candidate.intermediate
    )
    assert torch.equal(values.view(torch.uint8), expected[0].view(torch.uint8))
    assert torch.equal(scales, expected[1])


def test_leading_dimensions_and_other_users_stay(installed: FusionPass) -> None:
    def step(input: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        values, scales = blocks(silu(input))
        return values.float() @ weight, scales * 2, input + 1

    input, weight = torch.randn(2, 3, 512).bfloat16(), torch.randn(256, 8)
    found = torch.compile(step, dynamic=True)(input, weight)
    (match,) = installed.matches
    assert match.what is not None
    expected = opparity.silu_and_mul(input, "fp8_block", intermediate="input_dtype")
    assert torch.equal(found[1], expected.scales * 2)
    assert torch.allclose(found[0], expected.values.float() @ weight, rtol=1e-4, atol=1e-2)
    assert torch.equal(found[2], input + 1)


def swapped(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return functional.silu(up) * gate


def limited(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return functional.silu(gate.clamp(max=7.0)) * up


def quick(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return gate * torch.sigmoid(1.05 * gate) * up


def shifted(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return functional.silu(gate) * (up + 1)


def limited_far_away(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return functional.silu(gate.clamp(max=1000.0)) * up


def limited_first(input: Tensor) -> Tensor:
    """Be near SwiGLU-step, which limits after SiLU; in bfloat16 the two are hard to tell apart."""
    gate, up = input.float().chunk(2, dim=-1)
    return functional.silu(gate.clamp(max=7.0)) * up.clamp(-7.0, 7.0)


def first_column_negated(input: Tensor) -> Tensor:
    product = silu(input)
    return torch.cat((-product[..., :1], product[..., 1:]), -1)


PRODUCTS_ALIKE = {
    "limited far away": limited_far_away,
    "limited first": limited_first,
    "first column negated": first_column_negated,
    "swapped": swapped,
    "limited": limited,
    "quick": quick,
    "shifted": shifted,
}


@pytest.mark.parametrize("tokens", [1, 6])
@pytest.mark.parametrize("name", PRODUCTS_ALIKE)
def test_of_another_product_the_quantisation_alone_is_taken(
    name: str, tokens: int, installed: FusionPass
) -> None:
    product = PRODUCTS_ALIKE[name]
    input = torch.randn(tokens, 1024).bfloat16()
    torch.compile(lambda x: blocks(product(x)), dynamic=False)(input)
    (match,) = installed.matches
    assert match.what is not None
    assert match.what.candidate.operator == "quantize"


def narrow(input: Tensor) -> Pair:
    values, scales = blocks(input)
    return values, scales * 2


def smaller_maximum(input: Tensor) -> Pair:
    groups = input.float().unflatten(-1, (-1, 128))
    scales = (groups.abs().amax(-1) / 240.0).clamp_min(1e-10)
    codes = (groups / scales[..., None]).clamp(-240.0, 240.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def bounded(input: Tensor) -> Pair:
    groups = input.float().unflatten(-1, (-1, 128))
    scales = (groups.abs().amax(-1) / 448.0).clamp(1e-10, 0.01)
    codes = (groups / scales[..., None]).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def of_the_mean(input: Tensor) -> Pair:
    groups = input.float().unflatten(-1, (-1, 128))
    scales = (groups.abs().mean(-1) / 112.0).clamp_min(1e-10)
    codes = (groups / scales[..., None]).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def whole_tensor(input: Tensor) -> Pair:
    scale = input.abs().max().float() / 448.0
    return (input.float() / scale).to(torch.float8_e4m3fn), scale.expand(input.shape[0], 1) * 1


def truncated(input: Tensor) -> Pair:
    wide = input.float()
    scales = wide.abs().amax(-1, keepdim=True).clamp_min(1e-5) / 127.0
    return (wide / scales).to(torch.int8), scales


def inverse_scales(input: Tensor) -> Pair:
    groups = input.float().unflatten(-1, (-1, 128))
    inverse = 448.0 / groups.abs().amax(-1).clamp_min(1e-10)
    codes = (groups * inverse[..., None]).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), inverse


def bounded_far_away(input: Tensor) -> Pair:
    groups = input.float().unflatten(-1, (-1, 128))
    scales = (groups.abs().amax(-1) / 448.0).clamp(1e-10, 10.0)
    codes = (groups / scales[..., None]).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def floored(input: Tensor) -> Pair:
    groups = input.float().unflatten(-1, (-1, 128))
    scales = groups.abs().amax(-1).clamp_min(1e-2) / 448.0
    codes = (groups / scales[..., None]).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def last_tokens_masked(input: Tensor) -> Pair:
    kept = torch.arange(input.shape[0])[:, None] < 5
    return blocks(torch.where(kept, input, 0.0))


def scaled_by_size(input: Tensor) -> Pair:
    return blocks(input * (input.shape[0] / 3))


def first_tokens(input: Tensor) -> Pair:
    return blocks(input[:5])


def filled_with_size(input: Tensor) -> Pair:
    return blocks(input * torch.full_like(input, input.shape[0] / 3))


def strided_groups(input: Tensor) -> Pair:
    groups = input.float().unflatten(-1, (128, -1))
    scales = (groups.abs().amax(-2) / 448.0).clamp_min(1e-10)
    codes = (groups / scales[..., None, :]).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def shrunk(input: Tensor) -> Pair:
    """Bring all numbers below what is compared."""
    groups = (input.float() * 1e-9).unflatten(-1, (-1, 128))
    scales = (groups.abs().amax(-1) / 448.0).clamp_min(1e-30)
    codes = (groups / scales[..., None]).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


LOOK_ALIKES = [
    smaller_maximum,
    bounded,
    bounded_far_away,
    floored,
    of_the_mean,
    whole_tensor,
    truncated,
    inverse_scales,
    strided_groups,
]


@pytest.mark.parametrize("look_alike", LOOK_ALIKES, ids=lambda f: f.__name__)
def test_a_look_alike_is_left(look_alike: Callable[[Tensor], Pair], installed: FusionPass) -> None:
    input = torch.randn(6, 1024).bfloat16()
    found = torch.compile(look_alike, dynamic=False)(input)
    assert [match.what for match in installed.matches if match.what] == []
    for part, expected in zip(found, look_alike(input), strict=True):
        assert torch.allclose(part.float(), expected.float(), rtol=0.13)


def test_a_factor_before_numbers_too_small_to_compare_is_kept(installed: FusionPass) -> None:
    input = torch.randn(6, 1024).bfloat16()
    _, scales = torch.compile(shrunk, dynamic=False)(input)
    (match,) = installed.matches
    assert match.what is not None
    # What is quantised is the product with the factor, by the contract's smallest scale.
    assert torch.equal(scales, opparity.quantize(input.float() * 1e-9, "fp8_block").scales)


@pytest.mark.parametrize("function", [last_tokens_masked, scaled_by_size, filled_with_size])
def test_what_depends_on_a_place_or_a_size_is_left(
    function: Callable[[Tensor], Pair], installed: FusionPass
) -> None:
    input = torch.randn(6, 1024).bfloat16()
    torch._dynamo.mark_dynamic(input, 0)
    found = torch.compile(function)(input)
    # What follows the place or the size is quantisation alone.
    assert [m.what.candidate.operator for m in installed.matches if m.what] in ([], ["quantize"])
    for part, expected in zip(found, function(input), strict=True):
        assert torch.allclose(part.float(), expected.float(), rtol=0.13)


def test_the_first_tokens_alone_are_quantised(installed: FusionPass) -> None:
    input = torch.randn(6, 1024).bfloat16()
    torch._dynamo.mark_dynamic(input, 0)
    values, scales = torch.compile(first_tokens)(input)
    assert values.shape == (5, 1024)
    assert torch.allclose(scales, first_tokens(input)[1])
    assert [m.what.candidate.operator for m in installed.matches if m.what] in ([], ["quantize"])


@pytest.mark.parametrize("turn", [lambda x: x.t(), lambda x: x[:, ::2]], ids=["turned", "strided"])
def test_an_input_with_a_stride_compiles(
    turn: Callable[[Tensor], Tensor], installed: FusionPass
) -> None:
    input = torch.randn(1024, 1024).bfloat16()
    found = torch.compile(blocks, dynamic=False)(turn(input))
    del installed
    for part, expected in zip(found, blocks(turn(input)), strict=True):
        assert torch.allclose(part.float(), expected.float(), rtol=0.13)


def test_a_scale_that_is_changed_later_is_no_objection(installed: FusionPass) -> None:
    input = torch.randn(6, 1024).bfloat16()
    _, scales = torch.compile(narrow, dynamic=False)(input)
    (match,) = installed.matches
    assert match.what is not None
    assert torch.equal(scales, opparity.quantize(input, "fp8_block").scales * 2)


def test_a_number_that_comes_from_outside_is_a_reason(installed: FusionPass) -> None:
    def step(input: Tensor, maximum: Tensor) -> Pair:
        groups = input.float().unflatten(-1, (-1, 128))
        scales = groups.abs().amax(-1) / maximum
        return (groups / scales[..., None]).flatten(-2).to(torch.float8_e4m3fn), scales

    torch.compile(step, dynamic=False)(torch.randn(6, 1024).bfloat16(), torch.tensor(448.0))
    (match,) = installed.matches
    assert match.what is None
    assert "is an input of its own" in str(match)


def test_other_passes_stay() -> None:
    seen: list[object] = []
    before = CONFIG.post_grad_custom_post_pass
    torch._dynamo.reset()
    try:
        with (
            CONFIG.patch(fx_graph_cache=False, post_grad_custom_post_pass=seen.append),
            AUTOGRAD.patch(enable_autograd_cache=False),
        ):
            made = install(changed_codes=0.005)
            torch.compile(lambda x: blocks(silu(x)), dynamic=False)(torch.randn(4, 512).bfloat16())
    finally:
        CONFIG.post_grad_custom_post_pass = before
        torch._dynamo.reset()
    assert len(seen) == 1
    assert [match.what is not None for match in made.matches] == [True]


IDENTITY = """
from opparity.integrations.compile_pass import FusionPass
print(FusionPass().uuid(), FusionPass(0.005).uuid())
"""


def test_a_pass_is_known_by_its_sources_and_its_setting_in_every_process() -> None:
    strict, lenient = FusionPass().uuid(), FusionPass(0.005).uuid()
    assert strict != lenient
    for seed in ("0", "1"):
        said = subprocess.run(
            [sys.executable, "-c", IDENTITY],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert said.stdout.split() == [strict, lenient]


def test_a_match_says_what_was_left() -> None:
    assert str(Match("codes", None, "it is too large")) == "codes: left, it is too large"


@pytest.mark.parametrize("share", [-0.1, 0.1])
def test_a_share_that_is_no_small_one_is_refused(share: float) -> None:
    with pytest.raises(ArgumentRefused, match=rf"changed_codes is {share}; it is the share"):
        FusionPass(share)
