import torch
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension, CUDAExtension

sources = ["csrc/ops.cpp", "csrc/host.cpp"]
macros = []
if torch.version.cuda:
    sources += ["csrc/kernels.cu"]
    macros += [("ENABLE_CUDA", None)]
kind = CUDAExtension if torch.version.cuda else CppExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[kind("demo.libdemo_ops", sources, define_macros=macros)],
    cmdclass={"build_ext": BuildExtension},
)
