import torch


def check(indices):
    torch.ops.fb.bounds_check_indices(indices)
    torch.ops.fb.embedding_forward(indices)
