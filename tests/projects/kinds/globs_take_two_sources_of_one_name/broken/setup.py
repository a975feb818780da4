from glob import glob

from setuptools import setup
from torch.utils.cpp_extension import CUDAExtension

sources = glob("csrc/**/*.cc", recursive=True) + glob("csrc/**/*.cu", recursive=True)
setup(name="demo", packages=["demo"], ext_modules=[CUDAExtension("demo._C", sources)])
