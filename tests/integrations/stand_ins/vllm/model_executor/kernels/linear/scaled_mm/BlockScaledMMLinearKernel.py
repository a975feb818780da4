from typing import Any

import torch


class _Params:
    def __init__(self, layer: torch.nn.Module) -> None:
        self.weight = layer.weight
        self.block_scale = layer.weight_scale_inv


def _dynamic(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    groups = x.float().unflatten(-1, (-1, 128))
    scales = groups.abs().amax(-1) / 448
    codes = (groups / scales[..., None]).flatten(-2).to(torch.float8_e4m3fn)
    return codes, scales


class Fp8BlockScaledMMLinearKernel:
    def __init__(self, config: Any) -> None:
        self.config = config
        self.quant_fp8 = _dynamic

    def _get_layer_params(self, layer: torch.nn.Module, **kwargs: Any) -> _Params:
        return _Params(layer)

    def process_weights_after_loading(self, layer: torch.nn.Module) -> None:
        layer.processed = True

    def apply_weights(
        self,
        layer: torch.nn.Module,
        x: torch.Tensor,
        bias: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> torch.Tensor:
        raise NotImplementedError

    def apply_block_scaled_mm(
        self, A: torch.Tensor, B: torch.Tensor, As: torch.Tensor, Bs: torch.Tensor
    ) -> torch.Tensor:
        raise NotImplementedError
