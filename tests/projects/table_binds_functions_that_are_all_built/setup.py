from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[
        CUDAExtension("demo._native", sources=["csrc/module.cpp", "csrc/copy.cu", "csrc/swap.cu", "csrc/pack.cpp"]),
    ],
)
