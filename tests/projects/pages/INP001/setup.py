from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CppExtension

from sources_service import fetch_list

setup(
    name="demo",
    ext_modules=[
        CppExtension("demo._C", ["csrc/bindings.cpp"]),
        CppExtension("demo._more", fetch_list("demo")),
    ],
    cmdclass={"build_ext": BuildExtension},
)
