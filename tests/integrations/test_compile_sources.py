"""The compile pass on the ways in which activations and quantisations are written elsewhere.

The reference is our own code. Of torchao, transformers and vLLM the graphs are written here in our
words; tests/real_packages has their own code. Nothing may be replaced that has other bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch
from torch.nn import functional

from integrations.compiled import compiled, installed_pass, same_bytes
from opparity.formats import RECIPES, Intermediate
from opparity.operators import producer_named
from opparity.operators.reference import compute

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Pair = tuple[Tensor, Tensor]

E4M3 = torch.finfo(torch.float8_e4m3fn).max


def silu(input: Tensor) -> Tensor:
    gate, up = input.chunk(2, dim=-1)
    return functional.silu(gate) * up


def reference(producer: str, recipe: str) -> Callable[[Tensor], Pair]:
    row = producer_named(producer)
    numbers = [float(parameter.default or 0.0) for parameter in row.parameters]

    def function(input: Tensor) -> Pair:
        values, scales = compute(
            input, row, numbers, RECIPES[recipe], intermediate=Intermediate.INPUT_DTYPE
        )
        assert scales is not None
        return values, scales

    return function


def float8_rows(product: Tensor) -> Pair:
    """Be like torchao's Float8Tensor: a scale in the product's dtype, without a smallest one."""
    scales = (product.abs().amax(-1, keepdim=True) / E4M3).float()
    codes = (product.float() / scales).clamp(-E4M3, E4M3)
    return codes.to(torch.float8_e4m3fn), scales


def float8_axiswise(product: Tensor) -> Pair:
    """Be like torchao.float8: the inverse of the scale by float64, which codes are made with."""
    largest = product.abs().amax(-1, keepdim=True).double()
    inverse = (E4M3 / largest.clamp(min=1e-12)).float()
    codes = (product.float() * inverse).clamp(-E4M3, E4M3)
    return codes.to(torch.float8_e4m3fn), 1.0 / inverse


def float8_columns(product: Tensor) -> Pair:
    """Be like torchao's blocks for training: as above by 128, scales one column after another."""
    blocks = product.reshape(-1, 128)
    inverse = (E4M3 / blocks.abs().amax(1, keepdim=True).double().clamp(min=1e-12)).float()
    codes = (blocks * inverse).clamp(-E4M3, E4M3).to(torch.float8_e4m3fn)
    by_token = inverse.reshape(product.shape[0], -1)
    return codes.reshape(product.shape), 1.0 / by_token.t().contiguous().t()


def int8_rows(product: Tensor) -> Pair:
    """Be like torchao's Int8Tensor: amax by both ends, over 127.5, rounded before the sign."""
    lowest, highest = product.amin(-1, keepdim=True), product.amax(-1, keepdim=True)
    largest = torch.maximum(-lowest.clamp(max=0), highest.clamp(min=0))
    scales = (largest / 127.5).float().clamp(min=torch.finfo(torch.float32).eps)
    codes = torch.round(product.float() * (1.0 / scales)).clamp(-128, 127)
    return codes.to(torch.int8), scales


def int8_inverse(product: Tensor) -> Pair:
    """Be like transformers' BitLinear, whose scale is what was multiplied with."""
    inverse = 127 / product.float().abs().amax(-1, keepdim=True).clamp(min=1e-5)
    return (product * inverse).round().clamp(-128, 127).to(torch.int8), inverse


def fp8_blocks_divided(product: Tensor) -> Pair:
    """Be like vLLM's blocks and the kernel of transformers' FP8Linear: codes by a division."""
    blocks = product.unflatten(-1, (-1, 128))
    largest = blocks.abs().amax(-1, keepdim=True).float()
    scales = (largest / E4M3).clamp(min=1.0 / (E4M3 * 512.0))
    codes = (blocks / scales).clamp(-E4M3, E4M3).to(torch.float8_e4m3fn)
    return codes.flatten(-2), scales.squeeze(-1)


def fp8_tokens(product: Tensor) -> Pair:
    """Be like vLLM's tokens: codes by the inverse of the scale."""
    largest = product.abs().amax(-1).unsqueeze(-1).float()
    scales = (largest / E4M3).clamp(min=1.0 / (E4M3 * 512.0))
    codes = (product.float() * scales.reciprocal()).clamp(-E4M3, E4M3)
    return codes.to(torch.float8_e4m3fn), scales


@dataclass(frozen=True, slots=True)
class Source:
    """A spelling of somebody's.

    Attributes:
        function: of a packed gate and up.
        operator: what takes its place, byte for byte, or nothing.
        word: what the match says of it.
        dtype: of the input.
    """

    function: Callable[[Tensor], Pair]
    operator: str
    word: str
    dtype: torch.dtype = torch.bfloat16


SAME, OTHER, NEAR = "the same bytes in", "its numbers are those of no operator", "changes "
SOURCES = {
    "reference, SiLU": Source(reference("silu_and_mul", "fp8_block"), "silu_and_mul", SAME),
    "reference, GELU": Source(
        reference("gelu_tanh_and_mul", "int8_token"), "gelu_tanh_and_mul", SAME
    ),
    "reference, quantisation": Source(reference("identity", "fp8_block_ue8m0"), "quantize", SAME),
    "torchao, rows of bfloat16": Source(lambda x: float8_rows(silu(x)), "", OTHER),
    "torchao, rows of float32": Source(float8_rows, "", NEAR, torch.float32),
    "torchao, axiswise": Source(lambda x: float8_axiswise(silu(x)), "", NEAR),
    "torchao, blocks in columns": Source(lambda x: float8_columns(silu(x)), "", NEAR),
    "torchao, int8": Source(lambda x: int8_rows(silu(x)), "", OTHER),
    "transformers, BitLinear": Source(lambda x: int8_inverse(silu(x)), "", OTHER),
    "transformers, FP8Linear": Source(lambda x: fp8_blocks_divided(silu(x)), "", NEAR),
    "vLLM, blocks": Source(fp8_blocks_divided, "", NEAR),
    "vLLM, blocks of float32": Source(fp8_blocks_divided, "", NEAR, torch.float32),
    "vLLM, tokens": Source(lambda x: fp8_tokens(silu(x)), "silu_and_mul", SAME),
    "vLLM, tokens alone": Source(fp8_tokens, "quantize", SAME),
    "vLLM, tokens of float32": Source(fp8_tokens, "quantize", SAME, torch.float32),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_is_replaced_where_its_bytes_are_the_same_and_nowhere_else(name: str) -> None:
    source = SOURCES[name]
    input = torch.randn(6, 1024).to(source.dtype)
    with installed_pass() as made:
        found = compiled(source.function, input)
    (match,) = made.matches
    assert source.word in str(match)
    assert (match.what.candidate.operator if match.what else "") == source.operator
    if source.operator:
        assert same_bytes(found, source.function(input))


def test_columns_of_scales_keep_their_strides() -> None:
    """Nothing that is near is taken unless asked for; then scales lie as they lay."""
    input = torch.randn(6, 1024).bfloat16()
    with installed_pass(changed_codes=0.005) as made:
        values, scales = compiled(lambda x: float8_columns(silu(x)), input)
    (match,) = made.matches
    assert match.what is not None
    assert match.what.candidate.recipe.endswith("/column_major")
    assert scales.stride() == (1, 6)
    expected = torch.ops.opparity.silu_and_mul(
        input, match.what.candidate.recipe, intermediate=match.what.candidate.intermediate
    )
    assert same_bytes((values, scales), expected)
