import torch


def forward(out, input):
    torch.ops._C.gelu_and_mul(out, input, limit=7.0)
