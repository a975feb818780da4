from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    ext_modules=[CUDAExtension("demo_rows", ["csrc/bindings.cpp", "csrc/rows.cu"])],
    cmdclass={"build_ext": BuildExtension},
)
