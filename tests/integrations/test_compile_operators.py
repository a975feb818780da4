"""Operators that write to their arguments, as graphs of vLLM's have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn import functional

import opparity
from integrations.compiled import compiled, installed_pass, same_bytes, targets_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

    from opparity.integrations.compile_pass import FusionPass

    Pair = tuple[Tensor, Tensor]

NAMESPACE = "written_in_tests"
OPERATORS = getattr(torch.ops, NAMESPACE)
# vLLM's by its names and schemas, in a namespace of its own, and two that nobody knows.
SCHEMAS = {
    "silu_and_mul": "(Tensor(a!) out, Tensor input) -> ()",
    "gelu_tanh_and_mul": "(Tensor(a!) out, Tensor input) -> ()",
    "gelu_and_mul": "(Tensor(a!) out, Tensor input) -> ()",
    "rms_norm": "(Tensor(a!) result, Tensor input, Tensor? weight, float epsilon) -> ()",
    "dynamic_scaled_int8_quant": (
        "(Tensor(a!) result, Tensor input, Tensor(b!) scale, Tensor(c!)? azp) -> ()"
    ),
    "per_token_group_fp8_quant": (
        "(Tensor input, Tensor(a!) output_q, Tensor(b!) output_s, int group_size, float eps, "
        "float fp8_min, float fp8_max, bool scale_ue8m0, bool dummy_is_scale_transposed, "
        "bool dummy_is_tma_aligned) -> ()"
    ),
    "silu_and_mul_per_block_quant": (
        "(Tensor(a!) out, Tensor input, Tensor(b!) scales, int group_size) -> ()"
    ),
    "first_row_doubled": "(Tensor(a!) out, Tensor input) -> ()",
}


def silu(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return functional.silu(gate) * up


def gelu_tanh(input: Tensor) -> Tensor:
    """Round where the operator does with `input_dtype`, and compute as it does."""
    operator = torch.ops.opparity.gelu_tanh_and_mul
    product: Tensor = operator(input, "none", intermediate="input_dtype")[0]
    return product


def first_row_doubled(input: Tensor) -> Tensor:
    product = silu(input)
    return torch.cat((product[:1] * 2, product[1:]))


def swapped(input: Tensor) -> Tensor:
    """Compute something else than the name says."""
    gate, up = input.chunk(2, dim=-1)
    return functional.gelu(up) * gate


def by_token(result: Tensor, input: Tensor, scale: Tensor, azp: Tensor | None) -> None:
    assert azp is None
    values, scales = opparity.quantize(input, "int8_token")
    result.copy_(values)
    scale.copy_(scales)


def by_block(input: Tensor, values: Tensor, scales: Tensor, group: int, *_: float | bool) -> None:
    found = opparity.quantize(input, f"float8_e4m3fn/{group}/float32/amax/row_major")
    values.view(torch.uint8).copy_(found.values.view(torch.uint8))
    scales.copy_(found.scales)


def silu_by_block(out: Tensor, input: Tensor, scales: Tensor, group: int) -> None:
    by_block(silu(input), out, scales, group)


def normed(result: Tensor, input: Tensor, weight: Tensor | None, epsilon: float) -> None:
    result.copy_(functional.rms_norm(input, input.shape[-1:], weight, epsilon))


def writes(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], None]:
    def operator(out: Tensor, input: Tensor) -> None:
        out.copy_(function(input))

    return operator


@pytest.fixture(scope="module", autouse=True)
def operators() -> Iterator[None]:
    kernels = {
        "silu_and_mul": writes(silu),
        "gelu_tanh_and_mul": writes(gelu_tanh),
        "gelu_and_mul": writes(swapped),
        "first_row_doubled": writes(first_row_doubled),
        "rms_norm": normed,
        "dynamic_scaled_int8_quant": by_token,
        "per_token_group_fp8_quant": by_block,
        "silu_and_mul_per_block_quant": silu_by_block,
    }
    library = torch.library.Library(NAMESPACE, "DEF")
    for name, schema in SCHEMAS.items():
        library.define(name + schema)
        library.impl(name, kernels[name], "CPU")
        library.impl(name, lambda *_: None, "Meta")
    yield
    library._destroy()


@pytest.fixture(params=[False, True], ids=["first form", "second form"])
def installed(request: pytest.FixtureRequest) -> Iterator[FusionPass]:
    with installed_pass(enable_auto_functionalized_v2=request.param) as made:
        yield made


def activated(operator: Callable[..., None], input: Tensor) -> Tensor:
    out = torch.empty((*input.shape[:-1], input.shape[-1] // 2), dtype=input.dtype)
    operator(out, input)
    return out


def eager_quantisation(product: Tensor) -> Pair:
    """Multiply by the inverse of the contract's scale, in torch's own operations."""
    groups = product.float().unflatten(-1, (-1, 128))
    scales = (groups.abs().amax(-1) / 448.0).clamp_min(1.0 / (448.0 * 512.0))
    codes = (groups * scales.reciprocal().unsqueeze(-1)).clamp(-448.0, 448.0)
    return codes.flatten(-2).to(torch.float8_e4m3fn), scales


def written_blocks(product: Tensor) -> Pair:
    values = torch.empty_like(product, dtype=torch.float8_e4m3fn)
    scales = product.new_empty((*product.shape[:-1], product.shape[-1] // 128), dtype=torch.float32)
    OPERATORS.per_token_group_fp8_quant(
        product, values, scales, 128, 1e-10, -448.0, 448.0, False, False, False
    )
    return values, scales


def written_tokens(product: Tensor) -> Pair:
    values = torch.empty_like(product, dtype=torch.int8)
    scales = torch.empty((product.shape[0], 1))
    OPERATORS.dynamic_scaled_int8_quant(values, product, scales, None)
    return values, scales


CHAINS: dict[str, tuple[str, Callable[[Tensor], Pair], str]] = {
    "blocks in torch": ("gelu_tanh_and_mul", eager_quantisation, "float8_e4m3fn/128/"),
    "blocks written": ("gelu_tanh_and_mul", written_blocks, "float8_e4m3fn/128/"),
    "tokens written": ("gelu_tanh_and_mul", written_tokens, "int8/row/"),
}


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", CHAINS)
def test_an_activation_and_a_quantisation_are_one_operator(
    name: str, dynamic: bool, installed: FusionPass
) -> None:
    activation, quantisation, recipe = CHAINS[name]

    def chain(input: Tensor) -> Pair:
        return quantisation(activated(getattr(OPERATORS, activation), input))

    called = targets_behind(installed)
    input = torch.randn(6, 1024).bfloat16()
    found = compiled(chain, input, dynamic=dynamic)
    (match,) = installed.matches
    assert match.what is not None
    assert match.what.candidate.operator == activation
    assert match.what.candidate.recipe.startswith(recipe)
    assert "the same bytes" in str(match)
    assert same_bytes(found, chain(input))
    assert f"opparity.{activation}.default" in called
    assert not [target for target in called if "auto_functionalized" in target]


def test_of_an_activation_with_other_bits_the_quantisation_alone_is_taken(
    installed: FusionPass,
) -> None:
    def chain(input: Tensor) -> Pair:
        return eager_quantisation(activated(OPERATORS.gelu_and_mul, input))

    called = targets_behind(installed)
    input = torch.randn(6, 1024).bfloat16()
    found = compiled(chain, input)
    assert [str(m.what.candidate.operator) for m in installed.matches if m.what] == ["quantize"]
    assert same_bytes(found, chain(input))
    assert [target for target in called if "auto_functionalized" in target]


def test_a_product_that_others_read_keeps_its_operator(installed: FusionPass) -> None:
    def chain(input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        product = activated(OPERATORS.gelu_tanh_and_mul, input)
        return *eager_quantisation(product), product * 2

    called = targets_behind(installed)
    input = torch.randn(6, 1024).bfloat16()
    found = torch.compile(chain, dynamic=False)(input)
    (match,) = installed.matches
    assert match.what is not None
    assert match.what.candidate.operator == "quantize"
    assert [target for target in called if "auto_functionalized" in target]
    assert same_bytes(found[:2], chain(input)[:2])
    assert torch.equal(found[2], chain(input)[2])


def test_memory_of_the_caller_is_written(installed: FusionPass) -> None:
    """What a caller hands over and reads later is no buffer of the graph's own."""

    def chain(input: Tensor, out: Tensor) -> Pair:
        OPERATORS.gelu_tanh_and_mul(out, input)
        return eager_quantisation(out)

    input, out, expected = torch.randn(6, 1024).bfloat16(), *torch.zeros(2, 6, 512).bfloat16()
    found = compiled(chain, input, out)
    assert [m.what.candidate.operator for m in installed.matches if m.what] == ["quantize"]
    assert same_bytes(found, chain(input, expected))
    assert torch.equal(out, expected)


def test_a_norm_keeps_its_operator_and_its_quantisation_is_taken(installed: FusionPass) -> None:
    def chain(input: Tensor, weight: Tensor) -> Pair:
        result = torch.empty_like(input)
        OPERATORS.rms_norm(result, input, weight, 1e-6)
        return eager_quantisation(result)

    inputs = torch.randn(6, 512).bfloat16(), torch.randn(512).bfloat16()
    found = compiled(chain, *inputs)
    assert [m.what.candidate.operator for m in installed.matches if m.what] == ["quantize"]
    assert same_bytes(found, chain(*inputs))


def whole(input: Tensor) -> Pair:
    values = torch.empty((input.shape[0], input.shape[1] // 2), dtype=torch.float8_e4m3fn)
    scales = torch.empty((input.shape[0], input.shape[1] // 256))
    OPERATORS.silu_and_mul_per_block_quant(values, input, scales, 128)
    return values, scales


def halves_of_one_buffer(input: Tensor) -> Pair:
    """Write two products into one buffer, of which the second alone is quantised."""
    both = torch.empty((2, *input.shape[:-1], input.shape[-1] // 2), dtype=input.dtype)
    OPERATORS.gelu_tanh_and_mul(both[0], input)
    OPERATORS.gelu_tanh_and_mul(both[1], input + 1)
    return written_blocks(both[0] - both[1])


LEFT: dict[str, tuple[Callable[[Tensor], Pair], str]] = {
    "one operator": (whole, "is one operator already"),
    "one quantiser": (written_blocks, "is one operator already"),
    "another product": (
        lambda input: written_blocks(activated(OPERATORS.gelu_and_mul, input)),
        "its numbers are those of no operator",
    ),
    "nearly silu": (
        lambda input: written_blocks(activated(OPERATORS.silu_and_mul, input.float())),
        "changes",
    ),
    "rows are not alike": (
        lambda input: written_blocks(activated(OPERATORS.first_row_doubled, input)),
        "is no activation or quantisation that is known by its name",
    ),
    "halves of one buffer": (halves_of_one_buffer, "select is no operation"),
}


@pytest.mark.parametrize("name", LEFT)
def test_what_is_no_operator_or_one_already_is_left(name: str, installed: FusionPass) -> None:
    function, reason = LEFT[name]
    input = torch.randn(6, 1024).bfloat16()
    found = compiled(function, input)
    assert [match.what for match in installed.matches] == [None] * len(installed.matches)
    assert reason in " ".join(map(str, installed.matches))
    assert same_bytes(found, function(input))
