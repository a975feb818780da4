from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CUDAExtension("demo._C", ["csrc/bindings.cu"])],
    cmdclass={"build_ext": BuildExtension},
)
