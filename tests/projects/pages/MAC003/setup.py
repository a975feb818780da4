import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension, CUDAExtension

if torch.cuda.is_available():
    sources = ["csrc/bindings.cpp", "csrc/gelu.cu"]
    flags = []
    if torch.version.hip is None:
        sources.append("csrc/silu.cu")
        flags.append("-DUSE_CUDA")
    extension = CUDAExtension("demo._C", sources, extra_compile_args=flags)
else:
    extension = CppExtension("demo._C", ["csrc/cpu/bindings.cpp"])

setup(name="demo", ext_modules=[extension], cmdclass={"build_ext": BuildExtension})
