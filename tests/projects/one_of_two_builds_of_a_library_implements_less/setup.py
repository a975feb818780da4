import shutil

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension, CUDAExtension

sources = ["csrc/definitions.cpp", "csrc/neighbors_cpu.cpp"]
with_cuda = shutil.which("nvcc") is not None
if with_cuda:
    sources.append("csrc/neighbors_cuda.cu")
extension = CUDAExtension if with_cuda else CppExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[extension("demo.libdemo", sources)],
    cmdclass={"build_ext": BuildExtension.with_options(no_python_abi_suffix=True)},
)
