from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="little",
    ext_modules=[CUDAExtension("little._C", ["csrc/pybind.cpp", "csrc/marlin.cu"])],
    cmdclass={"build_ext": BuildExtension},
)
