from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[
        CUDAExtension(
            "demo._C",
            sources=["csrc/bindings.cpp", "csrc/turn.cu", "csrc/shift.cu"],
        )
    ],
    cmdclass={"build_ext": BuildExtension},
)
