from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import torch

from vllm.platforms import current_platform

FUSED_OP = torch.ops._C.silu_and_mul_per_block_quant.default


class SiluMulBlockQuantPattern:
    def __init__(
        self,
        quant_key: Any,
        is_scale_transposed: bool = False,
        is_e8m0: bool = False,
        is_tma_aligned: bool = False,
        match_aiter: bool = False,
    ) -> None:
        self.quant_key, self.quant_dtype = quant_key, quant_key.dtype
        self.group_size = quant_key.scale.group_shape[1]
        self.is_scale_transposed, self.is_e8m0 = is_scale_transposed, is_e8m0
        self.is_tma_aligned = is_tma_aligned
        self.silu_and_mul_matcher: Any = None
        self.quant_matcher = SimpleNamespace(QUANT_OP=None)

    @property
    def pattern(self) -> Callable[..., Any]:
        raise NotImplementedError

    @property
    def replacement(self) -> Callable[..., Any]:
        def plain(input: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            codes = torch.empty(input.shape[0], input.shape[1] // 2, dtype=self.quant_dtype)
            FUSED_OP(codes, input, scale, self.group_size, None, self.is_scale_transposed)
            return codes, scale

        return plain


class ActivationQuantFusionPass:
    def __init__(self, config: Any) -> None:
        self.registered: list[SiluMulBlockQuantPattern] = []
        if current_platform.is_cuda():
            self.register(SiluMulBlockQuantPattern(config.key))

    def register(self, pr: SiluMulBlockQuantPattern) -> None:
        self.registered.append(pr)

    def uuid(self) -> str:
        return "own"
