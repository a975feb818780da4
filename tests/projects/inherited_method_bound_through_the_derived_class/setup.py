from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

setup(
    name="demo",
    ext_modules=[CppExtension("demo._C", ["csrc/bindings.cpp", "csrc/device_handle.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
