import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    ext_modules=[
        CUDAExtension(
            "demo._C",
            ["csrc/with_compat.cu", "csrc/without_compat.cu"],
            extra_compile_args={"nvcc": ["-O3"] if torch.version.hip else ["-O2"]},
        )
    ],
    cmdclass={"build_ext": BuildExtension},
)
