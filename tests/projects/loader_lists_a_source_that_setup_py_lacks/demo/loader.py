import os

import torch
from torch.utils.cpp_extension import load

folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ext")
names = [
    "bindings.cpp",
    "scale.cu",
    "norm.cu",
    "softcap.cu",
]
flags = ["-O3"]
if torch.version.hip:
    flags += ["-DHIPBLAS_USE_HIP_HALF"]

extension = load(
    name="demo_ext",
    sources=[os.path.join(folder, name) for name in names],
    extra_cuda_cflags=flags,
)
