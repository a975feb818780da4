from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CUDAExtension("demo._C", ["csrc/bindings.cu"], extra_compile_args=["-DENABLE_BF16"])],
    cmdclass={"build_ext": BuildExtension},
)
