from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CppExtension("demo._C", ["csrc/bindings.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
