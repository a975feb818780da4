import torch
from setuptools import setup
from torch.utils.cpp_extension import CppExtension, CUDAExtension

if torch.cuda.is_available():
    extension = CUDAExtension("demo._C", ["csrc/bindings.cpp", "csrc/kernels.cu"])
else:
    extension = CppExtension("demo._C", ["csrc/cpu/bindings.cpp"])

setup(name="demo", packages=["demo"], ext_modules=[extension])
