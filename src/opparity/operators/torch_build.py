"""Which platforms the installed torch was built for."""

from __future__ import annotations

import torch

from opparity.platforms import Platform


def gpu_platform() -> Platform | None:
    """Return the GPU platform that this torch was built for, if any."""
    if torch.version.hip is not None:
        return Platform.ROCM
    return Platform.CUDA if torch.version.cuda is not None else None


def platform_of(device_type: str) -> Platform:
    """Return the platform of torch's device type; torch calls AMD's GPUs cuda too."""
    return Platform.CPU if device_type == "cpu" else gpu_platform() or Platform.CUDA


def objection(platform: Platform) -> str | None:
    """Return why this torch cannot hold tensors of a platform, or None."""
    if platform in (Platform.CPU, gpu_platform()):
        return None
    return f"torch {torch.__version__} is not built for {platform}"


def no_device(platform: Platform) -> str | None:
    """Return why there is nothing of a platform in this machine, or None.

    Unlike `objection` it asks the driver, so operators are registered without it.
    """
    reason = objection(platform)
    if reason is not None or platform is Platform.CPU or torch.cuda.is_available():
        return reason
    return "torch.cuda.is_available() is False: no GPU here"
