import torch

from demo import _C  # noqa: F401


@torch.library.custom_op("demo::mix_slowly", mutates_args=())
def mix_slowly(x: torch.Tensor) -> torch.Tensor:
    return x.clone()
