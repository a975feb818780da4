from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch import nn

import opparity
from model_shapes import (
    HIDDEN,
    INNER,
    CleanedMLP,
    ClippedMLP,
    DroppingMLP,
    FailingMLP,
    FineGrainedLinear,
    FusedExperts,
    GemmaRMSNorm,
    HalvedRMSNorm,
    KimiRMSNormGated,
    Layer,
    LimitedMLP,
    LimitedResultMLP,
    LimitedRMSNorm,
    LimitedRMSNormGated,
    LlamaMLP,
    LlamaRMSNorm,
    MambaRMSNormGated,
    OutsideEpsilonRMSNorm,
    Phi3MLP,
    Qwen3NextRMSNormGated,
    ScaledMLP,
    SharingLayer,
    TwiceLayer,
    model,
)
from opparity.errors import ArgumentRefused, PluginRefused
from opparity.integrations.transformers import experts as experts_module
from opparity.integrations.transformers import fuse, register_experts
from opparity.integrations.transformers import weights as weights_module
from opparity.integrations.transformers.experts import Experts, experts_forward
from opparity.integrations.transformers.norms import Norm, norm_of
from opparity.integrations.transformers.recognition import GatedMlp, mlp_of
from opparity.integrations.transformers.table import ACTIVATIONS, ROWS, TRIED
from opparity.nn import BlockFP8Linear, GatedRMSNorm, Int8SwiGLU, RMSNorm, SwiGLU

if TYPE_CHECKING:
    from collections.abc import Callable

MODULES = [Path(str(module.__file__)) for module in (experts_module, weights_module)]


class GELUTanh(nn.Module):
    """By its name one of transformers' activations."""


def fine_grained(mlp: nn.Module) -> nn.Module:
    for name, child in list(mlp.named_children()):
        if isinstance(child, nn.Linear):
            setattr(mlp, name, FineGrainedLinear(child))
    return mlp


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


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_norm_is_known_by_what_it_computes(dtype: torch.dtype) -> None:
    assert norm_of(LlamaRMSNorm().to(dtype)) == Norm(1e-5, 0.0, "input_dtype")
    assert norm_of(GemmaRMSNorm().to(dtype)) == Norm(1e-6, 1.0, "float32")
    for other in (HalvedRMSNorm, OutsideEpsilonRMSNorm, LimitedRMSNorm):
        assert norm_of(other().to(dtype)) == (
            "it is not RMSNorm with the weight, or 1 + the weight, as its factor"
        )
    assert norm_of(nn.LayerNorm(8)) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_norm_with_a_gate_is_known_by_what_it_computes(dtype: torch.dtype) -> None:
    found = norm_of(Qwen3NextRMSNormGated().to(dtype))
    assert isinstance(found, Norm)
    assert (found.epsilon, found.offset, found.gated) == (1e-5, 0.0, True)
    for other in (KimiRMSNormGated, LimitedRMSNormGated, MambaRMSNormGated):
        assert norm_of(other().to(dtype)) == (
            "it is not RMSNorm with the weight, or 1 + the weight, as its factor and times "
            "silu(gate)"
        )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_norm_with_a_gate_is_replaced_and_moves_by_its_roundings(dtype: torch.dtype) -> None:
    class Owner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm: nn.Module = Qwen3NextRMSNormGated()

        def forward(self, input: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.norm(input, gate)
            return found

    whole = Owner().to(dtype)
    input, gate = torch.randn(2, 500, HIDDEN).to(dtype)
    before = whole(input, gate)
    fusion = fuse(whole)
    assert isinstance(whole.norm, GatedRMSNorm)
    assert fusion.replaced["norm"] == "gated_rms_norm in one operator"
    found = whole(input, gate)
    # One step: of a number that is just above a power of two it is the larger.
    torch.testing.assert_close(found, before, rtol=2 * torch.finfo(dtype).eps, atol=1e-6)
    assert (found == before).float().mean() > 0.65
    fusion.undo()
    assert torch.equal(whole(input, gate), before)


@pytest.mark.parametrize("norm", [LlamaRMSNorm, GemmaRMSNorm])
def test_norms_alone_change_at_most_a_last_bit_here_and_there(norm: type[nn.Module]) -> None:
    whole = model(norm())
    input = torch.randn(500, HIDDEN).bfloat16()
    before = whole(input)
    fuse(whole)
    found = whole(input)
    assert isinstance(whole[0], RMSNorm)
    assert (found == before).float().mean() > 0.999
    assert torch.allclose(found, before, rtol=2.0**-6)


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


@pytest.mark.parametrize("layer", [SharingLayer, TwiceLayer])
def test_a_norm_that_something_else_reads_is_not_quantised(layer: type[Layer]) -> None:
    whole = model(layer())
    fuse(whole, "int8_token")
    fused = whole[0]
    assert isinstance(fused, Layer)
    seen = fused.post_attention_layernorm(torch.randn(3, HIDDEN).bfloat16())
    assert isinstance(seen, torch.Tensor)
    assert whole(torch.randn(3, HIDDEN).bfloat16()).isfinite().all()


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


def test_a_module_under_two_names_is_replaced_under_both() -> None:
    norm = LlamaRMSNorm()
    whole = model(norm, nn.Identity(), norm)
    fusion = fuse(whole)
    assert sorted(fusion.replaced) == ["0", "2"]
    assert isinstance(whole[2], RMSNorm)
    fusion.undo()
    assert list(whole.modules()).count(norm) == 1
    assert [id(whole[0]), id(whole[2])] == [id(norm)] * 2


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


def experts(**changed: object) -> SimpleNamespace:
    gate_up = [BlockFP8Linear.from_weight(torch.randn(2 * INNER, HIDDEN)) for _ in range(3)]
    down = [BlockFP8Linear.from_weight(torch.randn(HIDDEN, INNER)) for _ in range(3)]
    given: dict[str, object] = {
        "num_experts": 3,
        "has_gate": True,
        "activation_scheme": "dynamic",
        "gate_up_proj": stacked([linear.weight for linear in gate_up]),
        "gate_up_proj_scale_inv": torch.stack([linear.weight_scales for linear in gate_up]),
        "down_proj": stacked([linear.weight for linear in down]),
        "down_proj_scale_inv": torch.stack([linear.weight_scales for linear in down]),
        "act_fn": nn.SiLU(),
        "swiglu_alpha": None,
        "swiglu_limit": None,
        "limit": None,
        "gate_softcap": None,
        "up_softcap": None,
    }
    return SimpleNamespace(**{**given, **changed})


def stacked(weights: list[torch.Tensor]) -> torch.Tensor:
    codes = torch.stack([weight.view(torch.uint8) for weight in weights])
    return codes.view(torch.float8_e4m3fn)


@pytest.mark.parametrize(
    ("changed", "producer", "numbers"),
    [
        ({}, "silu_and_mul", {}),
        ({"limit": 7.0, "swiglu_limit": 7.0}, "silu_and_mul_with_clamp", {"limit": 7.0}),
        (
            {"swiglu_alpha": 1.5, "swiglu_limit": 6.0, "limit": 6.0},
            "swigluoai_and_mul",
            {"alpha": 1.5, "limit": 6.0, "beta": 1.0},
        ),
    ],
)
def test_experts_give_each_token_the_weighted_sum_of_its_own(
    changed: dict[str, object], producer: str, numbers: dict[str, float]
) -> None:
    made = experts(**changed)
    hidden = torch.randn(6, HIDDEN)
    # The fourth expert, number 3, is not on this machine.
    index = torch.tensor([[0, 2], [2, 0], [1, 3], [3, 3], [0, 1], [2, 1]])
    weights = torch.rand(6, 2)
    found = experts_forward(made, hidden, index, weights)
    expected = torch.zeros_like(hidden)
    for token in range(6):
        for expert, weight in zip(index[token].tolist(), weights[token], strict=True):
            if expert == 3:
                continue
            mlp = SwiGLU(
                BlockFP8Linear(
                    made.gate_up_proj[expert],
                    made.gate_up_proj_scale_inv[expert],
                    dtype=torch.float32,
                ),
                BlockFP8Linear(
                    made.down_proj[expert], made.down_proj_scale_inv[expert], dtype=torch.float32
                ),
                producer=producer,
                **numbers,
            )
            expected[token] += mlp(hidden[token]) * weight
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-3 * expected.abs().max().item())
    assert torch.equal(found[3], torch.zeros(HIDDEN))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"has_gate": False}, "these are not gated"),
        ({"activation_scheme": "static"}, "their scales static"),
        ({"gate_up_proj": torch.zeros(3, 4, 4, dtype=torch.int8)}, "weights are torch.int8"),
        ({"act_fn": nn.ReLU()}, "activation is ReLU; allowed: SiLUActivation"),
        ({"act_fn": nn.GELU(), "limit": 1.0}, "activation is GELU"),
        ({"act_fn": GELUTanh(), "limit": 1.0}, "limit GELUTanh"),
        ({"gate_softcap": 5.0}, "have gate_softcap"),
        ({"up_softcap": 5.0}, "have up_softcap"),
    ],
)
def test_experts_that_are_not_served_are_refused(changed: dict[str, object], words: str) -> None:
    with pytest.raises(NotImplementedError, match=words):
        experts_forward(
            experts(**changed),
            torch.randn(1, HIDDEN),
            torch.zeros(1, 1, dtype=torch.long),
            torch.ones(1, 1),
        )


def test_experts_are_registered_by_their_name(transformers: Any) -> None:  # noqa: ANN401
    register_experts()
    assert transformers.ALL_FP8_EXPERTS_FUNCTIONS._global_mapping == {"opparity": experts_forward}


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


def test_the_table_has_what_is_read_and_so_have_the_stand_ins(transformers: Any) -> None:  # noqa: ANN401
    assert sys.modules["transformers"].__version__ == TRIED[-1]
    rows = {row.name: row.read for row in ROWS}
    for name, read in rows.items():
        assert set(getattr(transformers, name).__annotations__) == set(read)
    assert set(Experts.__annotations__) == set(rows["FP8Experts"])
    assert set(vars(experts())) == set(rows["FP8Experts"])
    source = "".join(path.read_text("utf-8") for path in MODULES)
    for attribute in {each for read in rows.values() for each in read}:
        assert re.search(rf"\b{attribute}\b", source), attribute
    activations = importlib.import_module("transformers.activations")
    assert ACTIVATIONS.keys() - vars(activations).keys() == {"SiLU"}


def test_an_int8_mlp_of_a_model_is_the_module_by_that_name() -> None:
    mlp = LlamaMLP().bfloat16()
    expected = Int8SwiGLU.from_linears(mlp.gate_proj, mlp.up_proj, mlp.down_proj)
    whole = model(mlp)
    fuse(whole, "int8_token")
    input = torch.randn(4, HIDDEN).bfloat16()
    assert torch.equal(whole(input), expected(input))
