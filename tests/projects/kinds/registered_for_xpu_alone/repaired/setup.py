from setuptools import setup
from setuptools import Extension as DemoExtension
from torch.utils.cpp_extension import BuildExtension

setup(
    name="demo",
    packages=["demo"],
    ext_modules=[DemoExtension("demo._C", ["csrc/bindings.cpp", "csrc/roll.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
