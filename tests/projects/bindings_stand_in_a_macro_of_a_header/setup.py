import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

sources = ["csrc/norm_bindings.cpp", "csrc/norm.cu"]
if not torch.version.hip:
    sources.append("csrc/fused_norm.cu")

setup(
    name="demo",
    ext_modules=[
        CUDAExtension("demo.norms", sources),
        CUDAExtension("demo.sums", ["csrc/sum_bindings.cpp", "csrc/sum.cu"]),
    ],
    cmdclass={"build_ext": BuildExtension},
)
