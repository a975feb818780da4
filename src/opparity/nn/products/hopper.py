"""Which matrices Hopper's tensor cores multiply with scales by 1 x 128 and 128 x 128."""

from __future__ import annotations

import torch

_BLOCK = 128
_HOPPER = (9, 0)


def objection(
    product: str, device: torch.device, in_features: int, out_features: int
) -> str | None:
    """Return why a product that takes such scales on Hopper alone cannot serve, or None."""
    if device.type != "cuda" or torch.version.hip is not None:
        return f"{product} takes blocks of scales on NVIDIA alone; the device is {device}"
    found = torch.cuda.get_device_capability(device)
    if found != _HOPPER:
        major, minor = found
        return f"{product} takes blocks of scales on sm_90 alone; the device is sm_{major}{minor}"
    if in_features % _BLOCK or out_features % _BLOCK:
        return f"the weight is {out_features} x {in_features}; whole blocks of {_BLOCK} are needed"
    return None
