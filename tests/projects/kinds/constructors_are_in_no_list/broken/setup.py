from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

sources = ["csrc/bindings.cpp"]
setup(
    name="demo",
    packages=["demo"],
    ext_modules=[CppExtension("demo._C", sources)],
    cmdclass={"build_ext": BuildExtension},
)
