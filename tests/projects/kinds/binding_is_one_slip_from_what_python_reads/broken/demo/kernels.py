import torch


class Kernels:
    def __init__(self, module: object) -> None:
        self.module = module

    def run(self, input: torch.Tensor) -> torch.Tensor:
        return self.module.shift_rows(input) + self.module.scale_rows(input)
