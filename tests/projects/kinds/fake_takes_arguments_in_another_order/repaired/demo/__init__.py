import torch


@torch.library.custom_op("demo::pool", mutates_args=())
def pool(size: int, stride: int, block: int, x: torch.Tensor) -> torch.Tensor:
    return x[::stride].repeat(size // block)


@pool.register_fake
def _(size: int, stride: int, *rest) -> torch.Tensor:
    return torch.empty_like(rest[-1])
