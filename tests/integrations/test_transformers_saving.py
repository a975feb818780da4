"""fuse: what save_pretrained of a fused model saves, and when it is refused."""

from __future__ import annotations

import copy
import gc
import io
import weakref
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from model_shapes import HIDDEN, FineGrainedLinear, Layer, LlamaMLP, LlamaRMSNorm
from opparity.errors import ArgumentRefused
from opparity.integrations.transformers import fuse
from opparity.nn import RMSNorm, SwiGLU

if TYPE_CHECKING:
    from pathlib import Path


class PreTrainedModel(nn.Sequential):
    """Saves as transformers does: by state_dict, with whatever names that has."""

    def save_pretrained(self, folder: Path, *, fails: bool = False) -> str:
        if fails:
            raise OSError("the disk is full")
        torch.save(self.state_dict(), folder / "model.pt")
        return "saved"


def made() -> PreTrainedModel:
    torch.manual_seed(3)
    return PreTrainedModel(Layer(LlamaMLP()), LlamaRMSNorm()).bfloat16().eval()


def assert_reads_back(folder: Path, expected: nn.Module) -> None:
    """Fail where plain modules of the same kind do not read the checkpoint, name by name."""
    fresh = made()
    for parameter in fresh.parameters():
        nn.init.zeros_(parameter)
    fresh.load_state_dict(torch.load(folder / "model.pt"))
    input = torch.randn(4, HIDDEN).bfloat16()
    assert torch.equal(fresh(input), expected(input))


@pytest.mark.parametrize("recipe", [None, "int8_token", "fp8_block"])
def test_a_fused_model_saves_what_stood_there_before(recipe: str | None, tmp_path: Path) -> None:
    plain, fused = made(), made()
    fusion = fuse(fused, recipe)
    input = torch.randn(4, HIDDEN).bfloat16()
    before = fused(input)
    # What is trained after the fusion: a norm's weight is the model's own.
    for whole in (plain, fused):
        with torch.no_grad():
            whole[1].weight.mul_(2)  # type: ignore[operator]
    assert fused.save_pretrained(tmp_path) == "saved"
    assert_reads_back(tmp_path, plain)
    assert isinstance(fused[1], RMSNorm)
    assert isinstance(fused[0].mlp, SwiGLU) == (recipe is not None)
    assert torch.equal(fused(input), before * 2)
    assert fusion.replaced


def test_a_save_that_fails_leaves_the_model_fused(tmp_path: Path) -> None:
    fused = made()
    fusion = fuse(fused, "int8_token")
    with pytest.raises(OSError, match="disk is full"):
        fused.save_pretrained(tmp_path, fails=True)
    assert isinstance(fused[0].mlp, SwiGLU)
    fusion.undo()
    assert "save_pretrained" not in vars(fused)
    fused.save_pretrained(tmp_path)
    assert_reads_back(tmp_path, fused)


def test_two_fusions_are_both_undone_for_it_in_any_order(tmp_path: Path) -> None:
    plain, fused = made(), made()
    first = fuse(fused[0], "int8_token")
    layer = FineGrainedLinear(nn.Linear(HIDDEN, HIDDEN))
    fused.append(layer)
    one = fuse(fused)
    two = fuse(fused, "fp8_block")
    assert "2" in one.replaced
    assert two.replaced == {}
    first.undo()
    one.undo()
    assert "save_pretrained" not in vars(fused)
    assert fused.pop(2) is layer
    fused.save_pretrained(tmp_path)
    assert_reads_back(tmp_path, plain)


def test_a_later_fusion_saves_through_the_earlier_one(tmp_path: Path) -> None:
    plain, fused = made(), made()
    mlp, fused[0].mlp = fused[0].mlp, nn.Identity()
    fused.append(FineGrainedLinear(nn.Linear(HIDDEN, HIDDEN)))
    earlier = fuse(fused)
    fused[0].mlp = mlp
    later = fuse(fused, "int8_token")
    assert "2" in earlier.replaced
    assert "0.mlp" in later.replaced
    fused.save_pretrained(tmp_path)
    names = torch.load(tmp_path / "model.pt").keys()
    assert {name for name in names if not name.startswith("2.")} == plain.state_dict().keys()
    assert "2.weight_scale_inv" in names
    earlier.undo()
    fused.save_pretrained(tmp_path)
    assert torch.load(tmp_path / "model.pt").keys() == names
    later.undo()
    fused.save_pretrained(tmp_path)
    assert torch.load(tmp_path / "model.pt").keys() == names


def test_who_lets_the_fusion_go_frees_the_weights_and_cannot_save(tmp_path: Path) -> None:
    fused = made()
    replaced = weakref.ref(fused[0].mlp)
    fuse(fused, "int8_token")
    gc.collect()
    assert replaced() is None
    words = "the Fusion that fuse.. returned is gone, .* keep it, or save the model before it"
    with pytest.raises(ArgumentRefused, match=words):
        fused.save_pretrained(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_norms_keep_their_names_and_need_no_fusion(tmp_path: Path) -> None:
    plain, fused = made(), made()
    fuse(fused)
    gc.collect()
    assert "save_pretrained" not in vars(fused)
    fused.save_pretrained(tmp_path)
    assert_reads_back(tmp_path, plain)


def test_the_model_holds_no_cycle_that_would_keep_it() -> None:
    fused = made()
    fusion = fuse(fused, "int8_token")
    gone = weakref.ref(fused)
    gc.collect()
    gc.disable()
    try:
        del fused, fusion
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_a_copy_is_refused_in_words(way: str, tmp_path: Path) -> None:
    fused = made()
    fusion = fuse(fused, "int8_token")
    if way == "deepcopy":
        copied = copy.deepcopy(fused)
    else:
        file = io.BytesIO()
        torch.save(fused, file)
        file.seek(0)
        copied = torch.load(file, weights_only=False)
    input = torch.randn(4, HIDDEN).bfloat16()
    assert torch.equal(copied(input), fused(input))
    with pytest.raises(ArgumentRefused, match=r"a copy of one that was fused, .* or load it anew"):
        copied.save_pretrained(tmp_path)
    assert fusion.replaced


def test_a_module_that_saves_nothing_is_given_no_way() -> None:
    whole = nn.Sequential(Layer(LlamaMLP())).bfloat16()
    fuse(whole, "int8_token")
    assert not hasattr(whole, "save_pretrained")


class Around(PreTrainedModel):
    """A causal model around the one that was fused."""


@pytest.mark.parametrize("copied", [False, True])
def test_a_model_around_the_fused_one_is_not_saved_without_its_layers(
    copied: bool, tmp_path: Path
) -> None:
    inner = made()
    fusion = fuse(inner, "int8_token")
    around = Around(inner, nn.Linear(HIDDEN, HIDDEN)).bfloat16()
    model = copy.deepcopy(around) if copied else around
    with pytest.raises(ArgumentRefused, match=r"a part of the model was fused; .*call undo\(\)"):
        model.save_pretrained(tmp_path)
    assert [*tmp_path.iterdir()] == []
    # What is Opparity's own checkpoint has Opparity's names.
    assert "0.0.mlp.down.weight_scales" in model.state_dict()
    inner.save_pretrained(tmp_path)
    assert_reads_back(tmp_path, made())
    fusion.undo()
    around.save_pretrained(tmp_path)
    assert "0.0.mlp.down_proj.weight" in torch.load(tmp_path / "model.pt")


def test_adapters_around_it_are_saved() -> None:
    inner = made()
    fuse(inner, "int8_token")
    named = {"__name__": "peft.peft_model", "torch": torch}
    exec("def save_pretrained(model):\n return model.state_dict()", named)  # noqa: S102 -- its own
    save = named["save_pretrained"]
    assert callable(save)
    assert "0.mlp.down.weight_scales" in save(inner)
