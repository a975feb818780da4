import torch

from demo.platforms import current_platform


def forward(out, input):
    if current_platform.is_cuda():
        torch.ops._C.gelu_and_mul(out, input)
    else:
        out.copy_(input)
