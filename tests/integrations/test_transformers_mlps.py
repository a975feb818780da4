"""fuse: MLPs, and what it leaves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import opparity
from model_shapes import (
    HIDDEN,
    CleanedMLP,
    ClippedMLP,
    DroppingMLP,
    FailingMLP,
    FusedExperts,
    Layer,
    LimitedMLP,
    LimitedResultMLP,
    LlamaMLP,
    LlamaRMSNorm,
    Phi3MLP,
    ScaledMLP,
    fine_grained,
    model,
)
from opparity.errors import ArgumentRefused
from opparity.integrations.transformers import fuse
from opparity.integrations.transformers.recognition import GatedMlp, mlp_of
from opparity.nn import Int8SwiGLU, RMSNorm, SwiGLU

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (LlamaMLP(), "silu_and_mul"),
        (LlamaMLP(nn.GELU()), "gelu_and_mul"),
        (LlamaMLP(nn.GELU(approximate="tanh")), "gelu_tanh_and_mul"),
        (Phi3MLP(), "silu_and_mul"),
        (fine_grained(LlamaMLP()), "silu_and_mul"),
    ],
    ids=["silu", "gelu", "tanh", "one matrix", "quantised"],
)
def test_an_mlp_is_known_by_what_it_computes(module: nn.Module, expected: str) -> None:
    before = {name: parameter.clone() for name, parameter in module.named_parameters()}
    found = mlp_of(module)
    assert isinstance(found, GatedMlp)
    assert found.producer == expected
    for name, parameter in module.named_parameters():
        assert torch.equal(parameter.view(torch.uint8), before[name].view(torch.uint8))


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (ClippedMLP(), "it is not down(activation(gate) * up)"),
        (LimitedMLP(), "it is not down(activation(gate) * up)"),
        (LimitedResultMLP(), "it is not down(activation(gate) * up)"),
        (CleanedMLP(), "it is not down(activation(gate) * up)"),
        (DroppingMLP(), "it has dropout"),
        (ScaledMLP(), "it has parameters beside gate_proj"),
        (FailingMLP(), "a small copy of it could not be called: RuntimeError"),
        (LlamaMLP(nn.ReLU()), "it is not down(activation(gate) * up)"),
    ],
    ids=[
        *("clipped", "limited", "limited result", "cleaned", "dropping", "scaled", "failing"),
        "relu",
    ],
)
def test_what_only_looks_like_an_mlp_is_left_with_the_reason(module: nn.Module, words: str) -> None:
    found = mlp_of(module)
    assert isinstance(found, str)
    assert words in found
    whole = model(module)
    fusion = fuse(whole, "int8_token")
    assert whole[0] is module
    assert words in fusion.left["0"]
    assert words in str(fusion)


@pytest.mark.parametrize("mlp", [LlamaMLP, Phi3MLP])
def test_a_layer_is_fused_norm_and_all(mlp: Callable[[], nn.Module]) -> None:
    whole = model(Layer(mlp()))
    input = torch.randn(2, 9, HIDDEN).bfloat16()
    before, weights = whole(input), dict(whole.state_dict())
    fusion = fuse(whole, "int8_token")
    layer = whole[0]
    assert isinstance(layer, Layer)
    assert isinstance(layer.mlp, SwiGLU)
    assert fusion.replaced == {
        "0.mlp": "silu_and_mul and int8_token in one operator",
        "0.input_layernorm": "rms_norm in one operator",
        "0.post_attention_layernorm": "rms_norm and int8_token in one operator",
    }
    assert fusion.left == {}
    with torch.no_grad():
        found = whole(input)
        assert (found - before).norm() < 0.02 * before.norm()
        assert not torch.equal(found, before)
        seen = layer.post_attention_layernorm(input)
        assert isinstance(seen, opparity.Quantized)
    fusion.undo()
    assert fusion.replaced == {}
    assert torch.equal(whole(input), before)
    assert whole.state_dict().keys() == weights.keys()


def test_what_would_lose_something_is_left() -> None:
    hooked_norm, wide = LlamaRMSNorm(), LlamaRMSNorm()
    hooked_norm.register_forward_hook(lambda *_: None)
    spoilt = LlamaMLP()
    with torch.no_grad():
        spoilt.up_proj.weight[3, 3] = float("nan")
    whole = nn.Sequential(hooked_norm.bfloat16(), wide, spoilt.bfloat16())
    fusion = fuse(whole, "int8_token")
    assert fusion.left["0"] == "hooks are called around it"
    assert fusion.left["1"] == "its weight is torch.float32, and the model torch.bfloat16"
    assert "NaN or infinity" in fusion.left["2"]
    assert fusion.replaced == {}
    assert list(fuse(LlamaRMSNorm()).left) == ["(the model itself)"]
    assert "meta device" in fuse(model(Layer(LlamaMLP())).to("meta"), "int8_token").left["0.mlp"]


def test_what_is_fused_already_is_left_with_what_to_do() -> None:
    whole = model(Layer(LlamaMLP()), LlamaRMSNorm())
    first = fuse(whole, "int8_token")
    before = [id(module) for module in whole.modules()]
    second = fuse(whole, "int8_token")
    assert second.replaced == {}
    assert second.left.keys() == first.replaced.keys()
    assert {"0.mlp", "1"} <= second.left.keys()
    assert all("Opparity's already; undo() the fusion" in why for why in second.left.values())
    second.undo()
    assert [id(module) for module in whole.modules()] == before
    assert "(the model itself)" in fuse(RMSNorm(torch.ones(8))).left


def test_what_is_no_module_is_refused() -> None:
    pipeline: Any = SimpleNamespace(model=model())
    with pytest.raises(ArgumentRefused, match=r"model is of type SimpleNamespace.* pass \.model"):
        fuse(pipeline)


def test_experts_are_named_with_what_serves_them() -> None:
    fusion = fuse(model(FusedExperts()))
    assert fusion.left == {"0": "experts; register_experts() serves those of FineGrainedFP8"}


def test_another_recipe_is_refused() -> None:
    with pytest.raises(ArgumentRefused, match="recipe is 'mxfp8'; allowed: None, fp8_block, int8"):
        fuse(model(), "mxfp8")


def test_an_int8_mlp_of_a_model_is_the_module_by_that_name() -> None:
    mlp = LlamaMLP().bfloat16()
    expected = Int8SwiGLU.from_linears(mlp.gate_proj, mlp.up_proj, mlp.down_proj)
    whole = model(mlp)
    fuse(whole, "int8_token")
    input = torch.randn(4, HIDDEN).bfloat16()
    assert torch.equal(whole(input), expected(input))
