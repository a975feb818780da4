import os

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

extensions = []
if "CUDA_HOME" in os.environ:
    extensions.append(CppExtension("demo._C", ["csrc/bindings.cpp", "csrc/ops.cu"]))

setup(name="demo", ext_modules=extensions, cmdclass={"build_ext": BuildExtension})
