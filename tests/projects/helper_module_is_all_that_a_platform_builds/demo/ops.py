import torch


def run(input: torch.Tensor) -> torch.Tensor:
    if torch.cuda.is_available() or torch.xpu.is_available():
        return torch.ops._C.shift(input)
    return input
