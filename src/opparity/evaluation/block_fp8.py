"""Block-FP8 in plain PyTorch: weights in 128 x 128 blocks, activations in groups of 128.

Scales are dequantisation multipliers everywhere: a number is about its FP8 value times its scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 128
VALUE_DTYPE = torch.float8_e4m3fn
FORMAT_MAX = torch.finfo(VALUE_DTYPE).max
# The operator's own floor for scales, so that the unfused way differs in its sequence alone.
MINIMUM_SCALE = 1.0 / (FORMAT_MAX * 512.0)


@dataclass(frozen=True, slots=True)
class BlockFp8Weight:
    """A weight matrix as DeepSeek's and Qwen's checkpoints hold it.

    Attributes:
        values: float8_e4m3fn [rows, columns], both multiples of 128.
        scales: float32 [rows / 128, columns / 128], the checkpoint's `weight_scale_inv`.
    """

    values: Tensor
    scales: Tensor

    def dequantised(self) -> Tensor:
        """Return the float32 matrix that the values and scales stand for."""
        spread = self.scales.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)
        return self.values.float() * spread

    def to(self, device: torch.device) -> BlockFp8Weight:
        """Return the same weight on a device."""
        return BlockFp8Weight(self.values.to(device), self.scales.to(device))


def stack(weights: tuple[BlockFp8Weight, ...]) -> BlockFp8Weight:
    """Put weights of the same width under one another; no block is split, so no bit changes."""
    return BlockFp8Weight(
        torch.cat([weight.values.view(torch.uint8) for weight in weights]).view(VALUE_DTYPE),
        torch.cat([weight.scales for weight in weights]),
    )


def quantise_weight(weight: Tensor) -> BlockFp8Weight:
    """Quantise a matrix in 128 x 128 blocks, each by its largest magnitude.

    Raises:
        ValueError: a side is not a multiple of 128, or a weight is not finite.
    """
    rows, columns = weight.shape
    if rows % BLOCK or columns % BLOCK:
        raise ValueError(
            f"a weight of shape {tuple(weight.shape)} was given; "
            f"both sides must be multiples of {BLOCK}"
        )
    if not weight.isfinite().all():
        raise ValueError("a weight with NaN or infinity was given; only finite ones have a scale")
    blocks = weight.float().view(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK)
    scales = (blocks.abs().amax(dim=(1, 3)) / FORMAT_MAX).clamp_min(MINIMUM_SCALE)
    scaled = (blocks / scales[:, None, :, None]).clamp(-FORMAT_MAX, FORMAT_MAX)
    return BlockFp8Weight(scaled.view(rows, columns).to(VALUE_DTYPE), scales)


def quantise_activations(activations: Tensor) -> tuple[Tensor, Tensor]:
    """Quantise each token in groups of 128 by chained PyTorch operations, as unfused models do.

    Args:
        activations: [..., width], the width a multiple of 128.

    Returns:
        float8_e4m3fn [..., width], and float32 scales [..., width / 128].
    """
    groups = activations.float().view(*activations.shape[:-1], -1, BLOCK)
    scales = (groups.abs().amax(dim=-1) / FORMAT_MAX).clamp_min(MINIMUM_SCALE)
    scaled = (groups / scales.unsqueeze(-1)).clamp(-FORMAT_MAX, FORMAT_MAX)
    return scaled.flatten(-2).to(VALUE_DTYPE), scales


def dequantise_activations(values: Tensor, scales: Tensor) -> Tensor:
    """Return the float32 activations that grouped values and scales stand for."""
    groups = values.float().view(*scales.shape, BLOCK)
    return (groups * scales.unsqueeze(-1)).flatten(-2)
