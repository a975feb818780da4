import importlib.util

from pkg_resources import parse_version
from setuptools import setup

if importlib.util.find_spec("torch") is None:
    raise ImportError("torch is needed")
import torch

if parse_version(torch.__version__) > parse_version("2.5.1"):
    raise ImportError("torch is too new")

from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo",
    ext_modules=[CUDAExtension("demo._C", ["csrc/bindings.cpp", "csrc/ops.cu"])],
    cmdclass={"build_ext": BuildExtension},
)
