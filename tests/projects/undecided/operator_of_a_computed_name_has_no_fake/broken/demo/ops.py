import torch


def make_ops(dimensions):
    @torch.library.custom_op(f"demo::shift{dimensions}d", mutates_args=())
    def shift(input: torch.Tensor) -> torch.Tensor:
        return input + 1

    @torch.library.register_fake(f"demo::shift{dimensions}d")
    def fake_shift(input: torch.Tensor) -> torch.Tensor:
        return torch.empty_like(input)

    @torch.library.custom_op(f"demo::scale{dimensions}d", mutates_args=())
    def scale(input: torch.Tensor) -> torch.Tensor:
        return input * 2

    return shift, scale
