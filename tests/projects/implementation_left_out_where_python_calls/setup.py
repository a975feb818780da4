import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

sources = ["csrc/bindings.cpp"]
if torch.version.hip is None:
    sources.append("csrc/fp4.cu")

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CUDAExtension("demo._C", sources)],
    cmdclass={"build_ext": BuildExtension},
)
