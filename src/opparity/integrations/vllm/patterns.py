"""vLLM's block patterns, replaced by an operator that makes the scales each of them asks for.

vLLM replaces SiLU and a block quantisation by one operator whatever the scales were to be: powers
of two (UE8M0) become plain ones, and a buffer whose columns are aligned for TMA one that is not.
It registers them for CUDA alone.
"""

from __future__ import annotations

from functools import wraps
from itertools import product
from typing import TYPE_CHECKING, Any

import torch
from torch._higher_order_ops import auto_functionalize
from vllm.compilation.passes.fusion import act_quant_fusion as fusion
from vllm.model_executor.layers.quantization.utils.fp8_utils import get_fp8_min_max
from vllm.model_executor.layers.quantization.utils.quant_utils import (
    kFp8Dynamic64Sym,
    kFp8Dynamic128Sym,
)

import opparity
from opparity.formats import Recipe, ScaleFormat, ScaleLayout, ScaleRule
from opparity.platforms import Platform

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_Pair = tuple["Tensor", "Tensor"]
_LEAST_AMAX = 1e-10
# torch annotates it as if it returned pairs.
_written: Any = auto_functionalize.auto_functionalized


def install(platform: Platform) -> Callable[[], None]:
    """Mend the patterns, and register plain ones where vLLM has none; return how to undo it."""
    opparity.load()
    pattern, fusing = fusion.SiluMulBlockQuantPattern, fusion.ActivationQuantFusionPass
    before = (pattern.__dict__["replacement"], fusing.__dict__["__init__"])
    pattern.replacement = property(_replacement(before[0].fget))
    if platform is Platform.ROCM:
        fusing.__init__ = _registering(before[1])
    # vLLM keeps compiled graphs by this name, and those without the plugin are others.
    inherited = fusing.uuid
    fusing.uuid = lambda self: f"{inherited(self)}-opparity-{opparity.__version__}"

    def undo() -> None:
        pattern.replacement, fusing.__init__ = before
        del fusing.uuid

    return undo


def _replacement(plain: Callable[[Any], Any]) -> Callable[[Any], Callable[..., _Pair]]:
    """Return the getter of a pattern's replacement, given the one that vLLM has."""

    def replacement(self: Any) -> Callable[..., _Pair]:  # noqa: ANN401 -- vLLM's pattern
        if not (self.is_e8m0 or self.is_tma_aligned):
            return plain(self)  # type: ignore[no-any-return] # vLLM's
        recipe = _recipe(self)

        def replaced(input: Tensor, scale: Tensor) -> _Pair:
            shape = (*input.shape[:-1], input.shape[-1] // 2)
            values = torch.empty(shape, device=input.device, dtype=self.quant_dtype)
            # The scales go where the quantisation would have put them: vLLM has laid it out.
            written = _written(
                torch.ops.opparity.silu_and_mul.out,
                input=input,
                recipe=recipe,
                scale=None,
                scale_ub=None,
                intermediate="float32",
                interleaved=False,
                values=values,
                scales=scale,
            )
            return written[1], written[2]

        return replaced

    return replacement


def _recipe(pattern: Any) -> str:  # noqa: ANN401 -- vLLM's pattern
    if not pattern.is_scale_transposed:
        layout = ScaleLayout.ROW_MAJOR
    elif pattern.is_tma_aligned:
        layout = ScaleLayout.COLUMN_MAJOR_PADDED
    else:
        layout = ScaleLayout.COLUMN_MAJOR
    values = str(pattern.quant_dtype).removeprefix("torch.")
    if pattern.is_e8m0:
        kind, rule = ScaleFormat.POWER_OF_TWO, ScaleRule.CEIL
    else:
        kind, rule = ScaleFormat.FLOAT32, ScaleRule.AMAX
    return str(Recipe(values, pattern.group_size, kind, rule, layout))


class _RocmPattern(fusion.SiluMulBlockQuantPattern):  # type: ignore[misc] # vLLM has no types
    """A block pattern with the bounds that vLLM's quantiser is called with on ROCm.

    vLLM's own has the dtype's bounds, which are 240 for float8_e4m3fnuz and not 224.
    """

    @property
    def pattern(self) -> Callable[..., _Pair]:
        def matched(input: Tensor, scale: Tensor) -> _Pair:
            silu_out = self.silu_and_mul_matcher(input)
            result = torch.empty(silu_out.shape, device=silu_out.device, dtype=self.quant_dtype)
            least, greatest = get_fp8_min_max()
            _, values, scales = _written(
                self.quant_matcher.QUANT_OP,
                input=silu_out,
                output_q=result,
                output_s=scale,
                group_size=self.group_size,
                eps=_LEAST_AMAX,
                fp8_min=least,
                fp8_max=greatest,
                scale_ue8m0=False,
                dummy_is_scale_transposed=self.is_scale_transposed,
                dummy_is_tma_aligned=False,
            )
            return values, scales

        return matched


def _registering(plain: Callable[..., None]) -> Callable[..., None]:
    """Return vLLM's constructor with the plain block patterns after it.

    Those of UE8M0 and TMA are for DeepGEMM, which is CUDA's alone.
    """

    @wraps(plain)
    def construct(self: Any, config: Any) -> None:  # noqa: ANN401 -- vLLM's
        plain(self, config)
        for key, transposed in product((kFp8Dynamic128Sym, kFp8Dynamic64Sym), (False, True)):
            self.register(_RocmPattern(key, is_scale_transposed=transposed))

    return construct
