import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension, CUDAExtension

modules = [CppExtension("flatten_C", ["csrc/flatten.cpp"])]
if torch.cuda.is_available():
    modules.append(CUDAExtension("norms_cuda", ["csrc/norms.cpp"]))
    modules.append(CUDAExtension("losses_cuda", ["csrc/losses.cpp"]))

setup(name="demo", packages=["demo"], ext_modules=modules, cmdclass={"build_ext": BuildExtension})
