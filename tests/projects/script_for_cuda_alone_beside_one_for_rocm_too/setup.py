from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension
import torch

flags = ["-O3"]
if torch.version.hip:
    flags.append("-munsafe-fp-atomics")

setup(
    name="demo",
    ext_modules=[
        CUDAExtension("demo._C", ["csrc/reduce.cu"], extra_compile_args={"nvcc": flags}),
    ],
    cmdclass={"build_ext": BuildExtension},
)
