import torch.utils.cpp_extension


def load(extra_cuda_cflags=None, verbose=True, *args, **kwargs):
    flags = ["-O3", *(extra_cuda_cflags or [])]
    return torch.utils.cpp_extension.load(
        *args, extra_cuda_cflags=flags, verbose=verbose, **kwargs
    )
