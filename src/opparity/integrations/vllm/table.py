"""THE table: vLLM's operators that are of the family, one row each. Free of torch and vLLM.

vLLM takes the presence of an operator for a capability, so each row says which places of vLLM its
presence changes, and where these are reached. `make integrations` reads them off vLLM again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

TRIED: tuple[str, ...] = ("0.32.0", "0.33.0")
"""The versions of vLLM that `make integrations` runs the plugin in."""

_LAYERS = "model_executor.layers"
_PASSES = "compilation.passes.fusion"
_SHORT = {
    "ops": "_custom_ops",
    "act": f"{_LAYERS}.activation",
    "manual": f"{_LAYERS}.fusion.fused_act_quant",
    "moe": f"{_LAYERS}.fused_moe.activation",
    "deep_gemm": f"{_LAYERS}.fused_moe.experts.batched_deep_gemm_moe",
    "gpt_oss": f"{_LAYERS}.fused_moe.experts.gpt_oss_triton_kernels_moe",
    "moe_utils": f"{_LAYERS}.fused_moe.utils",
    "fp8": f"{_LAYERS}.quantization.utils.fp8_utils",
    "int8": f"{_LAYERS}.quantization.utils.int8_utils",
    "mla": f"{_LAYERS}.attention.mla_attention",
    "act_pass": f"{_PASSES}.act_quant_fusion",
    "norm_pass": f"{_PASSES}.rms_quant_fusion",
    "matchers": f"{_PASSES}.matcher_utils",
    "rope_pass": f"{_PASSES}.rope_kvcache_fusion",
    "qk_pass": f"{_PASSES}.qk_norm_rope_kvcache_fusion",
    "unwrap": "compilation.passes.utility.fix_functionalization",
    "ir": "kernels.vllm_c",
    "helion": "kernels.helion.ops.silu_mul_fp8",
    "xpu": "_xpu_ops",
}
_UNWRAP = "unwrap:FixFunctionalizationPass.__call__"
_APPLY = "moe:apply_moe_activation"


@dataclass(frozen=True, slots=True)
class Place:
    """A place of vLLM that an operator's presence changes.

    Attributes:
        module: without the leading "vllm.".
        scope: the function or method; "" for what a module does while it is imported.
        asks: whether it asks if the operator is there; otherwise it takes it, and fails without.
    """

    module: str
    scope: str
    asks: bool

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read "module:scope", with "?" behind it where the place asks."""
        module, _, scope = text.removesuffix("?").partition(":")
        return cls(_SHORT[module], scope, text.endswith("?"))

    def __str__(self) -> str:
        """Return its last names, and whether it asks."""
        name = f"{self.module.rpartition('.')[2]}.{self.scope}".removesuffix(".")
        return f"{name} (asks)" if self.asks else name


@dataclass(frozen=True, slots=True)
class Row:
    """One operator of torch.ops._C, with the places that its presence changes.

    Attributes:
        name: in torch.ops._C.
        everywhere: places that are reached on each platform.
        gpu: on CUDA and ROCm.
        cuda: on CUDA alone.
        cpu: on the CPU alone.
        nowhere: on none of these: on XPU.
        only_asked: why it is defined only when asked for; "" where it is defined by itself.
    """

    name: str
    everywhere: tuple[str, ...] = ()
    gpu: tuple[str, ...] = ()
    cuda: tuple[str, ...] = ()
    cpu: tuple[str, ...] = ()
    nowhere: tuple[str, ...] = ()
    only_asked: str = ""

    def places(self) -> Iterator[tuple[Place, frozenset[Platform]]]:
        """Yield each place with the platforms on which vLLM gets there."""
        for texts, reached in (
            (self.everywhere, frozenset(Platform)),
            (self.gpu, frozenset({Platform.CUDA, Platform.ROCM})),
            (self.cuda, frozenset({Platform.CUDA})),
            (self.cpu, frozenset({Platform.CPU})),
            (self.nowhere, frozenset[Platform]()),
        ):
            yield from ((Place.parse(text), reached) for text in texts)

    def reached_on(self, platform: Platform) -> tuple[Place, ...]:
        """Return the places that vLLM gets to on a platform."""
        return tuple(place for place, reached in self.places() if platform in reached)


_NVFP4 = (
    "its presence sends SiLU to a fused NVFP4 path, and only chips with an NVFP4 GEMM (sm_100 "
    "and later) consume what that makes"
)

ROWS: tuple[Row, ...] = (
    Row(
        "silu_and_mul_per_block_quant",
        everywhere=("manual:_silu_and_mul_fp8_dynamic_block",),
        gpu=("ops:silu_and_mul_per_block_quant", "act_pass"),
    ),
    Row(
        "silu_and_mul_quant",
        everywhere=("manual:_silu_and_mul_fp8_static",),
        gpu=("act_pass", _UNWRAP),
        cuda=("helion:silu_mul_fp8_baseline",),
    ),
    Row(
        "silu_and_mul_nvfp4_quant",
        cuda=("manual?", "manual:_silu_and_mul_nvfp4_dynamic", "act_pass?", f"{_UNWRAP}?"),
        only_asked=_NVFP4,
    ),
    Row("situ_and_mul_quant", gpu=("moe:situ_and_mul_quant",)),
    Row(
        "per_token_group_fp8_quant",
        gpu=(
            "fp8:per_token_group_quant_fp8",
            "mla:MLAAttention.forward_impl",
            "matchers?",
            "norm_pass?",
        ),
        nowhere=("xpu:_xpu_mxfp8_quantize_impl",),
    ),
    Row(
        "per_token_group_fp8_quant_packed",
        gpu=("fp8:per_token_group_quant_fp8_packed_for_deepgemm",),
    ),
    Row("per_token_group_quant_int8", gpu=("int8:per_token_group_quant_int8",)),
    Row(
        "static_scaled_fp8_quant",
        everywhere=("ops:scaled_fp8_quant",),
        gpu=(
            "matchers",
            "norm_pass",
            "qk_pass:QkNormRopeKvCachePattern._quantize_query",
            "rope_pass?",
            *(
                f"rope_pass:RopeStaticQQuantKVCachePattern._mk_pattern_with_layer_name_{way}.{side}"
                for way in ("input", "closure")
                for side in ("pattern", "replacement")
            ),
        ),
    ),
    Row("silu_and_mul", gpu=("act:SiluAndMul.__init__", _APPLY, "act_pass", "matchers", _UNWRAP)),
    Row("gelu_and_mul", gpu=("act:GeluAndMul.__init__", _APPLY)),
    Row("gelu_tanh_and_mul", gpu=("act:GeluAndMul.__init__", _APPLY)),
    Row(
        "silu_and_mul_with_clamp",
        gpu=(
            "act:SiluAndMulWithClamp.__init__",
            "moe:silu_and_mul_with_clamp",
            _APPLY,
            "gpt_oss:UnfusedOAITritonExperts.activation",
            "moe_utils:swiglu_limit_func",
        ),
    ),
    Row(
        "swigluoai_and_mul",
        gpu=(
            "act:SwigluOAIAndMul.forward_cuda",
            _APPLY,
            "gpt_oss:UnfusedOAITritonExperts.activation",
        ),
    ),
    Row("situ_and_mul", gpu=("act:SituAndMul.__init__", _APPLY)),
    Row("relu_squared", gpu=("act:ReLUSquaredActivation.__init__",)),
    Row("gelu_quick", everywhere=("act:QuickGELU.__init__",)),
    Row("rms_norm", gpu=("ops:rms_norm", "ir:rms_norm", _UNWRAP)),
    Row(
        "fused_add_rms_norm",
        gpu=("ops:fused_add_rms_norm", "ir:fused_add_rms_norm", "norm_pass", _UNWRAP),
    ),
    Row("rms_norm_static_fp8_quant", gpu=("norm_pass", _UNWRAP)),
    Row("fused_add_rms_norm_static_fp8_quant", gpu=("norm_pass", _UNWRAP)),
    Row(
        "rms_norm_dynamic_per_token_quant",
        gpu=("ops:rms_norm_dynamic_per_token_quant", "norm_pass", _UNWRAP),
    ),
    Row("rms_norm_per_block_quant", gpu=("ops:rms_norm_per_block_quant", "norm_pass?")),
    Row(
        "dynamic_per_token_scaled_fp8_quant",
        everywhere=("ops:scaled_fp8_quant",),
        gpu=("matchers", "norm_pass"),
    ),
    Row(
        "dynamic_scaled_int8_quant",
        everywhere=("ops:scaled_int8_quant",),
        cpu=("ops:onednn_scaled_int8_quant",),
    ),
    Row(
        "persistent_masked_m_silu_mul_quant", cuda=("deep_gemm:persistent_masked_m_silu_mul_quant",)
    ),
    # vLLM chooses the experts that take FP4 by the chip and by its own
    # mxfp4_experts_quant_supported, so the presence of these enables no path.
    *(
        Row(f"{prefix}{name}", cuda=(f"ops:{prefix}{name}",))
        for prefix in ("", "silu_and_mul_")
        for name in ("scaled_fp4_experts_quant", "mxfp4_experts_quant")
    ),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the plugin beside the operators.

    Attributes:
        name: in OPPARITY_VLLM.
        platforms: where it does something.
        what: it does.
        only_asked: why it is done only when asked for; "" where it is done by itself.
    """

    name: str
    platforms: frozenset[Platform]
    what: str
    only_asked: str = ""


_UNTRIED = "no chip that runs its consumer was at hand to try it"

PARTS: tuple[Part, ...] = (
    Part(
        "linear",
        frozenset(Platform),
        "a linear kernel for block FP8 that takes quantised input, behind vLLM's own",
    ),
    Part(
        "linear-first",
        frozenset(Platform),
        "the same, before vLLM's own",
        "it takes the place of a kernel that vLLM chose for speed",
    ),
    Part(
        "patterns",
        frozenset({Platform.CUDA, Platform.ROCM}),
        "vLLM's block patterns with the scales that each asks for (UE8M0, aligned for TMA), and "
        "on ROCm too",
    ),
    Part(
        "mxfp8",
        frozenset({Platform.CUDA}),
        "SiLU with MXFP8 for linears that take it (FlashInfer's)",
        _UNTRIED,
    ),
    Part(
        "per-token",
        frozenset({Platform.ROCM}),
        "SiLU with FP8 by token for linears that take it (AITER's)",
        _UNTRIED,
    ),
)
