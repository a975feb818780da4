import os

import torch

current_path = os.path.dirname(os.path.abspath(__file__))

if os.environ.get("DEMO_CUDA_ON") == "1":
    from torch.utils.cpp_extension import load


class Model(torch.nn.Module):
    def __init__(self, version: int) -> None:
        super().__init__()
        if version == 6 and os.environ["DEMO_CUDA_ON"] == "1":
            kernels = load(
                name="kernels",
                sources=[f"{current_path}/cuda/bindings.cpp"],
            )
            self.run = lambda input: kernels.scale(kernels.shift(input))
