from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    ext_modules=[CUDAExtension("demo._C", ["csrc/bindings.cpp", "csrc/ops.cu"])],
    cmdclass={"build_ext": BuildExtension},
)
