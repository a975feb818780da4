from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CUDAExtension("softmax_kernels", ["csrc/softmax.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
