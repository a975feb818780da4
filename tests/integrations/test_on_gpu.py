"""The plugins' operators on a GPU, in the stand-ins: the CPU's bytes, in captured graphs too."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

import opparity
from opparity.integrations import sglang as for_sglang
from opparity.integrations import vllm as for_vllm

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

pytestmark = pytest.mark.gpu
BLOCK = "silu_and_mul_per_block_quant"


def same(found: Tensor, exact: Tensor) -> bool:
    return torch.equal(found.cpu().view(torch.uint8), exact.contiguous().view(torch.uint8))


def drawn(*shape: int) -> Tensor:
    torch.manual_seed(0)
    made: Tensor = torch.randn(*shape, dtype=torch.bfloat16)
    return made


def test_vllms_name_has_the_cpus_bytes_in_a_captured_graph(vllm: Callable[[str], Any]) -> None:
    vllm("rocm" if torch.version.hip else "cuda")
    for_vllm.register()
    x = drawn(64, 1024).cuda()
    values = torch.empty(64, 512, dtype=torch.float8_e4m3fn, device="cuda")
    scales = torch.empty(64, 4, device="cuda")
    operator = getattr(torch.ops._C, BLOCK)
    operator(values, x, scales, 128)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        operator(values, x, scales, 128)
    x.copy_(drawn(64, 1024) * 3)
    graph.replay()
    exact = opparity.silu_and_mul(drawn(64, 1024) * 3, "fp8_block")
    assert same(values, exact.values)
    assert same(scales, exact.scales)


@pytest.mark.parametrize("flags", ["110", "111", "101"])
def test_patterns_are_replaced_by_the_cpus_bytes(vllm: Callable[[str], Any], flags: str) -> None:
    vllm("cuda")
    for_vllm.register()
    fusion = importlib.import_module("vllm.compilation.passes.fusion.act_quant_fusion")
    keys = importlib.import_module("vllm.model_executor.layers.quantization.utils.quant_utils")
    transposed, ue8m0, aligned = (flag == "1" for flag in flags)
    pattern = fusion.SiluMulBlockQuantPattern(
        keys.kFp8Dynamic128Sym,
        is_scale_transposed=transposed,
        is_e8m0=ue8m0,
        is_tma_aligned=aligned,
    )
    x = drawn(33, 1024)
    scales = torch.empty_strided((33, 4), (1, 36 if aligned else 33), device="cuda")
    values, made = pattern.replacement(x.cuda(), scales)
    exact = opparity.silu_and_mul(x, "fp8_block_ue8m0" if ue8m0 else "fp8_block")
    assert same(values, exact.values)
    assert torch.equal(made.cpu(), exact.scales)


def test_the_mxfp8_producer_has_the_cpus_bytes(
    vllm: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    vllm("cuda")
    monkeypatch.setenv("OPPARITY_VLLM", "mxfp8")
    for_vllm.register()
    layers = "vllm.model_executor.layers"
    fusing = importlib.import_module(f"{layers}.fusion.fused_act_quant")
    silu = importlib.import_module(f"{layers}.activation").SiluAndMul()
    key = importlib.import_module(f"{layers}.quantization.utils.quant_utils").kMxfp8Dynamic
    x = drawn(6, 1024)
    linear = SimpleNamespace(_input_quant_key=key)
    found = fusing.maybe_fused_act_quant(silu, x.cuda(), linear)
    exact = opparity.silu_and_mul(
        x, opparity.RECIPES["mxfp8"].with_layout(opparity.ScaleLayout.SWIZZLE_128X4)
    )
    assert same(found.data, exact.values)
    assert same(found.scale, exact.scales)


def test_sglangs_masked_rows_have_the_cpus_bytes_in_a_graph_with_other_counts(
    sglang: Any,  # noqa: ANN401 -- a module
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPPARITY_SGLANG", "all")
    for_sglang.register()
    sglang.HookRegistry.apply_hooks()
    dsv4 = importlib.import_module("sglang.kernels.ops.moe.dsv4")
    x = drawn(2, 8, 1024)
    values = torch.zeros(2, 8, 512, dtype=torch.float8_e4m3fn, device="cuda")
    scales = torch.zeros(2, 8, 4, device="cuda")
    counts = torch.tensor([1, 1], dtype=torch.int32, device="cuda")
    on_gpu = x.cuda()
    graph = torch.cuda.CUDAGraph()
    dsv4.silu_and_mul_masked_post_quant(on_gpu, values, scales, 128, counts)
    with torch.cuda.graph(graph):
        dsv4.silu_and_mul_masked_post_quant(on_gpu, values, scales, 128, counts)
    counts.copy_(torch.tensor([5, 2]))
    graph.replay()
    for expert, count in enumerate((5, 2)):
        exact = opparity.silu_and_mul(x[expert, :count], "fp8_block")
        assert same(values[expert, :count], exact.values)
        assert same(scales[expert, :count], exact.scales)
    assert int((scales != 0).sum()) == 28
    assert len(dsv4.calls) == 0
    assert for_sglang.calls() == {"masked": 2}
