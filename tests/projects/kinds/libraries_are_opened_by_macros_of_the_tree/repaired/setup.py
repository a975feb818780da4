from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

sources = ["csrc/library.cpp", "csrc/stable.cpp", "csrc/bindings.cpp", "csrc/kernels.cu"]
setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CUDAExtension("demo._C", sources)],
    cmdclass={"build_ext": BuildExtension},
)
