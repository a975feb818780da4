"""fuse: norms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from model_shapes import (
    HIDDEN,
    GemmaRMSNorm,
    HalvedRMSNorm,
    KimiRMSNormGated,
    Layer,
    LimitedRMSNorm,
    LimitedRMSNormGated,
    LlamaRMSNorm,
    MambaRMSNormGated,
    OutsideEpsilonRMSNorm,
    Qwen3NextRMSNormGated,
    SharingLayer,
    TwiceLayer,
    model,
)
from opparity.integrations.transformers import fuse
from opparity.integrations.transformers.norms import Norm, norm_of
from opparity.nn import GatedRMSNorm, RMSNorm


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


@pytest.mark.parametrize("layer", [SharingLayer, TwiceLayer])
def test_a_norm_that_something_else_reads_is_not_quantised(layer: type[Layer]) -> None:
    whole = model(layer())
    fuse(whole, "int8_token")
    fused = whole[0]
    assert isinstance(fused, Layer)
    seen = fused.post_attention_layernorm(torch.randn(3, HIDDEN).bfloat16())
    assert isinstance(seen, torch.Tensor)
    assert whole(torch.randn(3, HIDDEN).bfloat16()).isfinite().all()


def test_a_module_under_two_names_is_replaced_under_both() -> None:
    norm = LlamaRMSNorm()
    whole = model(norm, nn.Identity(), norm)
    fusion = fuse(whole)
    assert sorted(fusion.replaced) == ["0", "2"]
    assert isinstance(whole[2], RMSNorm)
    fusion.undo()
    assert list(whole.modules()).count(norm) == 1
    assert [id(whole[0]), id(whole[2])] == [id(norm)] * 2
