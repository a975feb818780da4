from typing import Any

import torch
from torch.nn import functional


class SiluAndMul(torch.nn.Module):
    def forward(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        gate, up = args[0].chunk(2, -1)
        return functional.silu(gate) * up
