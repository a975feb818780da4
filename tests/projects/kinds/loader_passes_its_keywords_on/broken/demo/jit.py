import torch.utils.cpp_extension


def load(extra_cflags=None, *args, **keywords):
    flags = ["-O3", *(extra_cflags or [])]
    return torch.utils.cpp_extension.load(extra_cflags=flags, *args, **keywords)
