from setuptools import Extension, setup
from torch.utils.cpp_extension import BuildExtension


class CMakeExtension(Extension):
    def __init__(self, name: str) -> None:
        super().__init__(name, sources=[])


setup(name="demo", ext_modules=[CMakeExtension("demo._C")], cmdclass={"build_ext": BuildExtension})
