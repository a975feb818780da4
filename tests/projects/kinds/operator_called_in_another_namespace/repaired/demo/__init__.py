import torch

from demo import _C  # noqa: F401


class Norm(torch.nn.Module):
    def forward(self, x):
        return torch.ops.demo_norm.norm.default(torch.ops.demo.fold(x))
