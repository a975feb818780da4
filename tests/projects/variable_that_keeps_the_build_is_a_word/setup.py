import os

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

KEEP_BUILD = os.getenv("DEMO_KEEP_BUILD", "FALSE") == "TRUE"
extensions = []
if KEEP_BUILD:
    extensions.append(CUDAExtension("demo._C", ["csrc/bindings.cpp", "csrc/ops.cu"]))

setup(name="demo", ext_modules=extensions, cmdclass={"build_ext": BuildExtension})
