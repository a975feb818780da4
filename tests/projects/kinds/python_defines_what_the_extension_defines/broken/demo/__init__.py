import torch

from demo import _C  # noqa: F401


@torch.library.custom_op("demo::mix", mutates_args=())
def mix(x: torch.Tensor) -> torch.Tensor:
    return x.clone()
