from setuptools import setup
from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension

extensions = [CppExtension("demo.points_cpu", ["csrc/points_cpu.cpp"])]
if CUDA_HOME is not None:
    extensions.append(CUDAExtension("demo.points_cuda", ["csrc/points_cuda.cu"]))

setup(
    name="demo",
    packages=["demo"],
    ext_modules=extensions,
    cmdclass={"build_ext": BuildExtension},
)
