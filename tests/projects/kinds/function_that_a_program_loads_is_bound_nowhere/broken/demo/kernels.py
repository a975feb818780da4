from pathlib import Path

import torch
from torch.utils import cpp_extension


def loaded(name: str):
    folder = Path(__file__).parents[1] / "csrc"
    return cpp_extension.load(name=name, sources=[str(path) for path in folder.iterdir()])


def run(input: torch.Tensor) -> torch.Tensor:
    kernels = loaded("demo_kernels")
    return kernels.shift_rows(input) + kernels.scale_rows(input)
