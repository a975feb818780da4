"""opparity.nn under torch.autocast: norms give what the norms that they replace give."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model_shapes import HIDDEN, GemmaRMSNorm, Layer, LlamaMLP, LlamaRMSNorm, Qwen3NextRMSNormGated
from opparity import quantize
from opparity.integrations.transformers import fuse
from opparity.nn import GatedRMSNorm, RMSNorm

LOW = [torch.bfloat16, torch.float16]


def replaced(norm: nn.Module) -> nn.Module:
    owner = nn.ModuleDict({"norm": norm})
    fuse(owner)
    return owner["norm"]


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("kind", [LlamaRMSNorm, GemmaRMSNorm])
def test_a_fused_norm_gives_what_the_models_norm_gave(
    kind: type[nn.Module], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    norm, input = kind(), torch.randn(300, HIDDEN).to(dtype)
    fused = replaced(norm)
    assert isinstance(fused, RMSNorm)
    with torch.autocast("cpu", dtype):
        expected, found = norm(input), fused(input)
    assert found.dtype == expected.dtype == (torch.float32 if kind is LlamaRMSNorm else dtype)
    torch.testing.assert_close(found, expected, rtol=2 * torch.finfo(dtype).eps, atol=1e-6)
    assert torch.isclose(found, expected, rtol=1e-6).float().mean() > 0.99


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")
def test_torchs_own_norm_behind_a_linear_layer_is_replaced_alike() -> None:
    torch.manual_seed(0)
    linear, norm = nn.Linear(64, 64), nn.RMSNorm(64, eps=1e-6)
    made, input = RMSNorm(torch.ones(64)), torch.randn(50, 64)
    with torch.autocast("cpu", torch.bfloat16):
        expected, found = norm(linear(input)), made(linear(input))
    assert found.dtype == expected.dtype == torch.bfloat16
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("dtype", LOW)
def test_a_norm_with_a_gate_keeps_its_inputs_dtype(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    norm = Qwen3NextRMSNormGated()
    input, gate = torch.randn(2, 300, HIDDEN).to(dtype)
    fused = replaced(norm)
    assert isinstance(fused, GatedRMSNorm)
    with torch.autocast("cpu", dtype):
        expected, found = norm(input, gate), fused(input, gate)
        assert torch.equal(fused(input, gate.float()), found)
    assert found.dtype == expected.dtype == dtype
    torch.testing.assert_close(found, expected, rtol=2 * torch.finfo(dtype).eps, atol=1e-6)


@pytest.mark.parametrize("place", ["float32", "input_dtype", "product"])
def test_a_recipe_quantises_what_the_norm_gives(place: str) -> None:
    torch.manual_seed(0)
    weight, input = torch.rand(HIDDEN), torch.randn(30, HIDDEN).bfloat16()
    plain = RMSNorm(weight, intermediate=place)
    quantising = RMSNorm(weight, recipe="int8_token", intermediate=place)
    with torch.autocast("cpu", torch.bfloat16):
        product = RMSNorm(weight)(input.float()) if place == "float32" else plain(input)
        found = quantising(input)
    expected = quantize(product, "int8_token")
    assert torch.equal(found.values, expected.values)
    assert torch.equal(found.scales, expected.scales)


def test_a_residual_of_another_dtype_is_added_as_torch_adds_it() -> None:
    torch.manual_seed(0)
    norm, residual = RMSNorm(torch.rand(HIDDEN)), torch.randn(30, HIDDEN)
    input = torch.randn(30, HIDDEN).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found, added = norm(input, residual)
    assert torch.equal(added, input + residual)
    assert torch.equal(found, norm(added))


def test_without_autocast_another_dtype_is_refused() -> None:
    with pytest.raises(RuntimeError, match="weight has dtype float32; allowed: bfloat16"):
        RMSNorm(torch.ones(64))(torch.randn(4, 64).bfloat16())


@pytest.mark.parametrize("recipe", ["int8_token", "fp8_block"])
def test_a_fused_layer_learns_and_compiles(recipe: str) -> None:
    torch.manual_seed(0)
    layer = Layer(LlamaMLP())
    input = torch.randn(30, HIDDEN)
    with torch.autocast("cpu", torch.bfloat16):
        expected = layer(input.bfloat16())
    fuse(owner := nn.Sequential(layer), recipe)
    with torch.autocast("cpu", torch.bfloat16):
        found = owner(input.bfloat16())
        found.float().sum().backward()
        compiled = torch.compile(owner, fullgraph=True, backend="aot_eager")(input.bfloat16())
    assert (found - expected).norm() / expected.norm() < 0.02
    assert torch.equal(compiled, found)
    weights = {name: parameter.grad for name, parameter in owner.named_parameters()}
    assert len(weights) == 3
    assert all(gradient is not None and gradient.any() for gradient in weights.values())
