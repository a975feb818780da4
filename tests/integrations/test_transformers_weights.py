"""fuse: quantised weights, and what of them is left."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from model_shapes import HIDDEN, FineGrainedLinear, Layer, LlamaMLP, fine_grained
from opparity.errors import PluginRefused
from opparity.integrations.transformers import fuse, register_experts
from opparity.integrations.transformers.table import ROWS, TRIED
from opparity.nn import BlockFP8Linear, SwiGLU


def test_codes_of_a_quantised_checkpoint_stay() -> None:
    mlp = LlamaMLP()
    weights = [
        BlockFP8Linear.from_linear(getattr(mlp, f"{name}_proj")) for name in ("gate", "up", "down")
    ]
    whole = nn.Sequential(Layer(fine_grained(mlp)))
    fusion = fuse(whole)
    fused = whole[0].mlp
    assert isinstance(fused, SwiGLU)
    both = torch.cat([weight.dequantized() for weight in weights[:2]])
    assert torch.equal(fused.gate_up.dequantized(), both)
    assert torch.equal(fused.down.dequantized(), weights[2].dequantized())
    input = torch.randn(5, HIDDEN)
    expected = SwiGLU(BlockFP8Linear.stack(weights[:2]), weights[2])(input)
    assert torch.equal(fused(input), expected)
    assert fusion.replaced["0.mlp"] == "silu_and_mul and fp8_block in one operator"


def test_quantised_layers_outside_of_mlps_are_replaced_too() -> None:
    layer = Layer(static(LlamaMLP()))
    layer.self_attn.set_submodule("v_proj", FineGrainedLinear(layer.self_attn.v_proj))
    whole = nn.Sequential(layer)
    fusion = fuse(whole)
    assert isinstance(whole.get_submodule("0.self_attn.v_proj"), BlockFP8Linear)
    # The MLP is left, but two of its three layers can be served.
    assert "0.mlp" in fusion.left
    assert "0.mlp.up_proj" in fusion.left
    assert fusion.replaced["0.mlp.gate_proj"] == "a linear layer in fp8_block"


def hooked(mlp: LlamaMLP) -> LlamaMLP:
    mlp.up_proj.register_forward_hook(lambda *_: None)
    return mlp


def static(mlp: nn.Module) -> nn.Module:
    linear = fine_grained(mlp).up_proj
    assert isinstance(linear, FineGrainedLinear)
    linear.activation_scheme = "static"
    return mlp


def without_scales(mlp: nn.Module) -> nn.Module:
    linear = fine_grained(mlp).up_proj
    assert isinstance(linear, FineGrainedLinear)
    del linear.weight_scale_inv
    return mlp


def by_tensor(mlp: nn.Module) -> nn.Module:
    linear = fine_grained(mlp).up_proj
    assert isinstance(linear, FineGrainedLinear)
    linear.weight_scale_inv = nn.Parameter(torch.ones(()))
    return mlp


def with_a_given_scale(mlp: nn.Module) -> nn.Module:
    linear = fine_grained(mlp).up_proj
    assert isinstance(linear, FineGrainedLinear)
    linear.input_scale = nn.Parameter(torch.ones(()))
    return mlp


@pytest.mark.parametrize(
    ("mlp", "recipe", "words"),
    [
        (LlamaMLP(), None, "its weights are torch.bfloat16; pass recipe="),
        (hooked(LlamaMLP()), "int8_token", "hooks are called around"),
        (static(LlamaMLP()), None, "have a scale that is given"),
        (without_scales(LlamaMLP()), None, "float8_e4m3fn and has no scales"),
        (by_tensor(LlamaMLP()), None, r"with scales of shape ()"),
        (with_a_given_scale(LlamaMLP()), None, "it has input_scale, which"),
    ],
    ids=["not asked", "hooks", "static", "no scales", "by tensor", "input scale"],
)
def test_what_cannot_be_taken_is_left_with_the_reason(
    mlp: nn.Module, recipe: str | None, words: str
) -> None:
    plain = type(mlp.up_proj) is nn.Linear
    whole = nn.Sequential(Layer(mlp).bfloat16() if plain else Layer(mlp))
    fusion = fuse(whole, recipe)
    assert whole[0].mlp is mlp
    assert words in fusion.left["0.mlp"]


@pytest.mark.parametrize(
    ("activations", "words"),
    [
        (None, "its scheme quantises no activations"),
        (SimpleNamespace(strategy="tensor", group_size=None, dynamic=True), "by tensor"),
        (SimpleNamespace(strategy="group", group_size=64, dynamic=True), "group_size 64"),
        (SimpleNamespace(strategy="group", group_size=128, dynamic="local"), "dynamic local"),
        (SimpleNamespace(strategy="group", group_size=128, dynamic=True), None),
    ],
    ids=["weights alone", "by tensor", "other groups", "not dynamic", "by groups"],
)
def test_a_scheme_that_the_modules_do_not_have_is_left(
    activations: object, words: str | None
) -> None:
    mlp = fine_grained(LlamaMLP())
    for linear in mlp.children():
        if isinstance(linear, FineGrainedLinear):
            scheme = SimpleNamespace(input_activations=activations)
            object.__setattr__(linear, "quantization_scheme", scheme)
    fusion = fuse(nn.Sequential(Layer(mlp)))
    assert (words or "") in fusion.left.get("0.mlp", "")
    assert ("0.mlp" in fusion.replaced) == (words is None)


def test_a_version_that_was_not_tried_is_refused(
    transformers: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.modules["transformers"], "__version__", "5.99.0")
    with pytest.raises(PluginRefused, match=r"this is transformers 5\.99\.0, .* 5\.20\.2 to 5\.24"):
        register_experts()
    assert transformers.ALL_FP8_EXPERTS_FUNCTIONS._global_mapping == {}
    mlp = LlamaMLP()
    for name in ("gate_proj", "up_proj", "down_proj"):
        mlp.set_submodule(name, fp8_linear(transformers, getattr(mlp, name)))
    whole = nn.Sequential(Layer(mlp))
    fusion = fuse(whole)
    assert whole[0].mlp is mlp
    assert "this is transformers 5.99.0" in fusion.left["0.mlp"]
    assert "this is transformers 5.99.0" in fusion.left["0.mlp.up_proj"]
    monkeypatch.undo()
    sys.modules["transformers"].__version__ = TRIED[0]  # type: ignore[attr-defined]
    assert "0.mlp" in fuse(whole).replaced


def fp8_linear(transformers: Any, linear: nn.Linear) -> nn.Module:  # noqa: ANN401 -- a module
    """Return the stand-in's FP8Linear with a linear module's weight."""
    like, made = FineGrainedLinear(linear), transformers.FP8Linear(1, 1, bias=False)
    for row in ROWS:
        for name in row.read if row.name == "FP8Linear" else ():
            setattr(made, name, getattr(like, name))
    assert isinstance(made, nn.Module)
    return made
