"""Fusion.undo: the model's modules come back as the model was changed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from model_shapes import HIDDEN, Layer, LlamaMLP, LlamaRMSNorm, fine_grained
from opparity.integrations.transformers import fuse

if TYPE_CHECKING:
    from collections.abc import Callable


def made(mlp: nn.Module | None = None) -> nn.Sequential:
    torch.manual_seed(3)
    head = nn.Linear(HIDDEN, HIDDEN)
    return nn.Sequential(Layer(mlp or LlamaMLP()), LlamaRMSNorm(), head).bfloat16().eval()


def freeze_all_but_the_head(model: nn.Sequential) -> None:
    model.requires_grad_(False)
    model[2].requires_grad_(True)


def assign_twice_the_weights(model: nn.Sequential) -> None:
    twice = {name: tensor * 2 for name, tensor in model.state_dict().items() if "norm" in name}
    model.load_state_dict(twice, strict=False, assign=True)


def exchange_a_norms_weight(model: nn.Sequential) -> None:
    model[1].weight = nn.Parameter(torch.full((HIDDEN,), 3.0, dtype=torch.bfloat16))


def state(model: nn.Module) -> dict[str, tuple[bool, torch.Tensor]]:
    return {name: (one.requires_grad, one.detach()) for name, one in model.named_parameters()}


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.half(),
        lambda model: model.float(),
        lambda model: model.to("meta"),
        lambda model: model.to("meta", torch.float16),
        lambda model: model.requires_grad_(False),
        lambda model: model[0].requires_grad_(False),
        freeze_all_but_the_head,
        assign_twice_the_weights,
        exchange_a_norms_weight,
        lambda model: model.train(),
        lambda model: model.half().requires_grad_(False).train(),
    ],
)
@pytest.mark.parametrize("recipe", [None, "int8_token", "fp8_block"])
def test_what_the_model_was_given_meanwhile_holds_for_what_comes_back(
    recipe: str | None, change: Callable[[nn.Module], object]
) -> None:
    plain, fused = made(), made()
    fusion = fuse(fused, recipe)
    change(plain)
    change(fused)
    fusion.undo()
    assert [*state(fused)] == [*state(plain)]
    for (trained, found), (expected_trained, expected) in zip(
        state(fused).values(), state(plain).values(), strict=True
    ):
        assert (trained, found.dtype, found.device) == (
            expected_trained,
            expected.dtype,
            expected.device,
        )
        assert found.is_meta or torch.equal(found, expected)
    assert [m.training for m in fused.modules()] == [m.training for m in plain.modules()]


def test_nothing_is_trained_or_frozen_where_the_layer_was_changed_in_part() -> None:
    fused = made()
    fusion = fuse(fused, "int8_token")
    fused[0].self_attn.requires_grad_(False)
    fusion.undo()
    trained = [trained for name, (trained, _) in state(fused).items() if ".mlp." in name]
    assert trained == [True] * 3


def test_what_was_frozen_before_does_not_hide_that_the_rest_is_frozen_or_trained() -> None:
    fused = made()
    fused[0].self_attn.requires_grad_(False)
    for is_trained in (False, True):
        fusion = fuse(fused, "int8_token")
        fused.requires_grad_(is_trained)
        fusion.undo()
        assert {parameter.requires_grad for parameter in fused.parameters()} == {is_trained}


def test_codes_are_moved_and_not_cast() -> None:
    fused = made()
    fine_grained(fused[0].mlp)  # type: ignore[arg-type]
    fusion = fuse(fused)
    assert "0.mlp" in fusion.replaced
    fused.to("meta", torch.float16)
    fusion.undo()
    codes = fused.get_parameter("0.mlp.gate_proj.weight")
    assert codes.dtype == torch.float8_e4m3fn
    assert codes.is_meta


def test_a_save_in_between_leaves_no_other_dtype_behind() -> None:
    fused = made()
    fusion = fuse(fused, "int8_token")
    fused.half()
    with fusion.undone():
        assert fused.get_parameter("0.mlp.gate_proj.weight").dtype == torch.float16
    fused.bfloat16()
    fusion.undo()
    assert {parameter.dtype for parameter in fused.parameters()} == {torch.bfloat16}


def test_what_is_saved_has_the_present_norms_and_dtype() -> None:
    plain, fused = made(), made()
    fusion = fuse(fused, "int8_token")
    for model in (plain, fused):
        exchange_a_norms_weight(model)
        model.half()
    with fusion.undone():
        saved = fused.state_dict()
    assert all(torch.equal(saved[name], tensor) for name, tensor in plain.state_dict().items())
    assert all(tensor.dtype == torch.float16 for tensor in saved.values())
    assert "0.mlp" in fusion.replaced
