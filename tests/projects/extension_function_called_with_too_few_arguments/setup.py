from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension

setup(name="demo", ext_modules=[CUDAExtension("demo._ext", ["csrc/bindings.cpp", "csrc/norm.cu"])])
