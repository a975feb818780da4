from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

setup(
    name="little",
    ext_modules=[CppExtension("little._ext", ["csrc/bindings.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
