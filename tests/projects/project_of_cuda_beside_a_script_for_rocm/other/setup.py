import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    ext_modules=[CUDAExtension("other._D", ["other.cpp"], extra_compile_args=["-DUSE_ROCM"] if torch.version.hip else [])],
    cmdclass={"build_ext": BuildExtension},
)
