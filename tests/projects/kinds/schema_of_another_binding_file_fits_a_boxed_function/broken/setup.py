import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

bindings = "csrc/stable_bindings.cpp" if torch.__version__ >= "2.9" else "csrc/bindings.cpp"

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CUDAExtension("demo._C", ["csrc/shift.cu", bindings])],
    cmdclass={"build_ext": BuildExtension},
)
