from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    packages=["fused"],
    ext_modules=[
        CUDAExtension("fused._C", ["csrc/bindings.cpp", "csrc/gelu.cu", "csrc/silu.cu"]),
    ],
    cmdclass={"build_ext": BuildExtension},
)
