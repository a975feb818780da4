import torch
from setuptools import setup
from torch.utils.cpp_extension import CppExtension, CUDAExtension

if torch.cuda.is_available():
    extension = CUDAExtension(
        "demo._C",
        ["csrc/entry.cpp", "csrc/device.cu"],
        define_macros=[("DEMO_CUDA", None)],
    )
else:
    extension = CppExtension("demo._C", ["csrc/entry.cpp"])
setup(name="demo", packages=["demo"], ext_modules=[extension])
