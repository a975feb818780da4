import os

from setuptools import setup
from torch.utils.cpp_extension import CppExtension

sources = ["csrc/bindings.cpp"]
for entry in os.scandir("csrc/kernels"):
    if entry.is_file() and entry.name.endswith(".cpp"):
        sources.append(entry.path)
setup(name="demo", packages=["demo"], ext_modules=[CppExtension("demo._C", sources)])
