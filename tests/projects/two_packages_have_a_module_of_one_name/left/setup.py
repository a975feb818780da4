from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    ext_modules=[CUDAExtension("left._C", ["bindings.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
