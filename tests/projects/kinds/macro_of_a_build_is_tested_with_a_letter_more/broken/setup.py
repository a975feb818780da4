import os

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

flags = []
if os.environ.get("FASTOPS") == "1":
    flags.append("-DFASTOPS_WITH_CUDA")

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CUDAExtension("demo._C", ["csrc/bindings.cu"], extra_compile_args=flags)],
    cmdclass={"build_ext": BuildExtension},
)
