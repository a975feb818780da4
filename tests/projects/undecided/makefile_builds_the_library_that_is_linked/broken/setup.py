from pathlib import Path

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

NATIVE = Path(__file__).parent / "native"

setup(
    name="demo",
    ext_modules=[
        CUDAExtension(
            "demo._C",
            ["csrc/bindings.cpp", "csrc/ops.cu"],
            libraries=["shift"],
            library_dirs=[str(NATIVE)],
        )
    ],
    cmdclass={"build_ext": BuildExtension},
)
