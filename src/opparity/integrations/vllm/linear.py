"""A linear kernel for block FP8 that takes what a fused activation has quantised already.

vLLM has the row (SiluAndMul, FP8 by groups of 128) among its manual fusions, and none of its own
kernels says that it takes such input. This one does: on a GPU with vLLM's Triton GEMM, on the CPU
with weights that are dequantised when they are loaded.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from vllm.model_executor.kernels import linear as kernels
from vllm.model_executor.kernels.linear.scaled_mm.BlockScaledMMLinearKernel import (
    Fp8BlockScaledMMLinearKernel,
)
from vllm.model_executor.kernels.linear.scaled_mm.triton import TritonFp8BlockScaledMMKernel
from vllm.model_executor.layers.activation import SiluAndMul
from vllm.model_executor.layers.fusion import fused_act_quant
from vllm.model_executor.layers.fusion.quant_activation import (
    as_quantized_activation,
    expose_input_quant_key,
)
from vllm.model_executor.layers.quantization.utils.quant_utils import kFp8Dynamic128Sym
from vllm.platforms.interface import PlatformEnum

import opparity
from opparity.nn.products.dequantised import spread
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

GROUP = 128
_KIND = "fp8_block"
_PLATFORMS = {
    Platform.CUDA: PlatformEnum.CUDA,
    Platform.ROCM: PlatformEnum.ROCM,
    Platform.CPU: PlatformEnum.CPU,
}
_ROW = (SiluAndMul, kFp8Dynamic128Sym)


def append(platform: Platform) -> Callable[[], None]:
    """Register the kernel behind vLLM's own; return how to undo it."""
    opparity.load()
    kernel = _kernel(platform)
    listed = kernels._POSSIBLE_FP8_BLOCK_KERNELS  # noqa: SLF001 -- where it is registered
    if kernel not in listed.get(_PLATFORMS[platform], []):
        try:
            kernels.register_linear_kernel(kernel, _PLATFORMS[platform], _KIND)
        except ValueError:  # vLLM 0.32 knows no such kind
            listed.setdefault(_PLATFORMS[platform], []).append(kernel)
    rows = fused_act_quant._FUSED_ACT_QUANT  # noqa: SLF001 -- vLLM fills it by hand
    added = _ROW not in rows
    if added:  # vLLM has it on CUDA and ROCm alone
        rows[_ROW] = fused_act_quant._silu_and_mul_fp8_dynamic_128  # noqa: SLF001 -- its producer

    def undo() -> None:
        listed[_PLATFORMS[platform]].remove(kernel)
        if added:
            del rows[_ROW]

    return undo


def put_first(platform: Platform) -> Callable[[], None]:
    """Register the kernel before vLLM's own; return how to undo it."""
    listed = kernels._POSSIBLE_FP8_BLOCK_KERNELS  # noqa: SLF001 -- there is no public order
    kernel, before = _kernel(platform), list(listed.get(_PLATFORMS[platform], []))
    undo = append(platform) if kernel not in before else None
    order = listed[_PLATFORMS[platform]]
    order.remove(kernel)
    order.insert(0, kernel)

    def put_back() -> None:
        order.remove(kernel)
        order.append(kernel)
        if undo is not None:
            undo()

    return put_back


@cache
def _kernel(platform: Platform) -> Any:  # noqa: ANN401 -- a class made of vLLM's
    base: Any = (
        Fp8BlockScaledMMLinearKernel if platform is Platform.CPU else TritonFp8BlockScaledMMKernel
    )
    mixed = (_OnCpu, base) if platform is Platform.CPU else (_TakesQuantised, base)
    return type("OpparityFp8BlockScaledMMKernel", mixed, {})


class _TakesQuantised:
    """The part that is the same on every platform; a class of vLLM's stands behind it."""

    config: Any
    apply_block_scaled_mm: Callable[..., Tensor]

    @classmethod
    def can_implement(cls, config: Any) -> tuple[bool, str | None]:  # noqa: ANN401 -- vLLM's
        """Return whether a layer is block FP8 with groups of 128, and else why not."""
        groups = config.activation_quant_key.scale.group_shape
        weights = config.weight_quant_key.scale.group_shape
        if config.activation_quant_key != kFp8Dynamic128Sym:
            return False, f"takes activations in groups of 128, not {groups}"
        if tuple(weights) != (GROUP, GROUP):
            return False, f"takes weights in blocks of 128 x 128, not {tuple(weights)}"
        return True, None

    def input_quant_key(self) -> Any:  # noqa: ANN401 -- vLLM's
        """Return the quantisation of input that it takes."""
        return kFp8Dynamic128Sym

    def process_weights_after_loading(self, layer: torch.nn.Module) -> None:
        """Have vLLM's class lay out the weights, and the layer say what it takes."""
        super().process_weights_after_loading(layer)  # type: ignore[misc] # vLLM's class has it
        expose_input_quant_key(layer, self)

    def apply_weights(
        self,
        layer: torch.nn.Module,
        x: Any,  # noqa: ANN401 -- a tensor, or vLLM's quantised activation
        bias: Tensor | None = None,
        **_: object,
    ) -> Tensor:
        """Return x times the layer's weights; x may be quantised already."""
        params = self._get_layer_params(layer)  # type: ignore[attr-defined] # vLLM's class has it
        given = as_quantized_activation(x, self.input_quant_key())
        if given is None:
            shape, dtype = x.shape, x.dtype
            codes, scales = self._quantise(x.reshape(-1, x.shape[-1]))
        else:
            shape, dtype = given.orig_shape, given.orig_dtype
            codes = given.data.reshape(-1, given.data.shape[-1])
            scales = given.scale.reshape(-1, given.scale.shape[-1])
        product = self._multiply(layer, params, codes, scales)
        if bias is not None:
            product = product + bias
        return product.to(dtype).view(*shape[:-1], product.shape[-1])

    def _quantise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.quant_fp8(x)  # type: ignore[attr-defined, no-any-return] # vLLM's class has it

    def _multiply(
        self,
        layer: torch.nn.Module,  # noqa: ARG002 -- what the CPU keeps is there
        params: Any,  # noqa: ANN401 -- vLLM's
        codes: Tensor,
        scales: Tensor,
    ) -> Tensor:
        return self.apply_block_scaled_mm(
            A=codes, B=params.weight, As=scales, Bs=params.block_scale
        )


class _OnCpu(_TakesQuantised):
    """Weights are dequantised once, to the layer's dtype, and kept beside the FP8 ones."""

    @classmethod
    def is_supported(cls, compute_capability: int | None = None) -> tuple[bool, str | None]:
        """Return that each CPU can."""
        del compute_capability
        return True, None

    def process_weights_after_loading(self, layer: torch.nn.Module) -> None:
        """Keep the weights dequantised as well."""
        super().process_weights_after_loading(layer)
        params = self._get_layer_params(layer)  # type: ignore[attr-defined] # vLLM's class has it
        weight = spread(params.weight, params.block_scale.float()).to(self.config.out_dtype)
        layer.register_buffer("opparity_weight", weight, persistent=False)

    def _quantise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        codes, scales = opparity.quantize(x, "fp8_block")
        return codes, scales

    def _multiply(
        self,
        layer: torch.nn.Module,
        params: Any,  # noqa: ANN401 -- vLLM's
        codes: Tensor,
        scales: Tensor,
    ) -> Tensor:
        del params
        return _product(codes, scales, layer.get_buffer("opparity_weight"))

    def apply_block_scaled_mm(self, A: Tensor, B: Tensor, As: Tensor, Bs: Tensor) -> Tensor:  # noqa: N803 -- vLLM's names
        """Return the product of two quantised matrices."""
        return _product(A, As, spread(B, Bs.float()).to(self.config.out_dtype))


def _product(codes: Tensor, scales: Tensor, weight: Tensor) -> Tensor:
    return spread(codes, scales).to(weight.dtype) @ weight.t()
