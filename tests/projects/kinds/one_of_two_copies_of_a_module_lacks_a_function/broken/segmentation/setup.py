from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    packages=["functions"],
    ext_modules=[CUDAExtension("deform", ["src/vision.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
