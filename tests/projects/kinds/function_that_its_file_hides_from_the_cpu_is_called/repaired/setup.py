import os

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension, CUDAExtension


def install(use_cuda):
    extension = CUDAExtension if use_cuda else CppExtension
    flags = ["-DUSE_GPU"] if use_cuda else []
    setup(
        name="demo",
        ext_modules=[extension("demo._C", ["csrc/kernel.cpp"], extra_compile_args={"cxx": flags})],
        cmdclass={"build_ext": BuildExtension},
    )


if int(os.environ.get("NO_CUDA", 0)) == 1:
    install(use_cuda=False)
else:
    install(use_cuda=True)
