from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[
        CUDAExtension("demo._C", ["csrc/bindings.cpp", "csrc/kernels.cu"]),
        CUDAExtension("demo._moe_C", ["csrc/moe_bindings.cpp", "csrc/moe.cu"]),
    ],
    cmdclass={"build_ext": BuildExtension},
)
