"""Which platforms the installed torch was built for."""

from __future__ import annotations

import torch

from opparity.platforms import Platform


def gpu_platform() -> Platform | None:
    """Return the GPU platform that this torch was built for, if any."""
    if torch.version.hip is not None:
        return Platform.ROCM
    return Platform.CUDA if torch.version.cuda is not None else None


def objection(platform: Platform) -> str | None:
    """Return why this torch cannot hold tensors of a platform, or None."""
    if platform in (Platform.CPU, gpu_platform()):
        return None
    return f"torch {torch.__version__} is not built for {platform}"
