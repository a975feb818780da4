from setuptools import setup
from torch.utils import cpp_extension

setup(
    name="demo",
    ext_modules=[
        cpp_extension.CUDAExtension(
            "demo_ext",
            ["demo/ext/bindings.cpp", "demo/ext/scale.cu", "demo/ext/norm.cu"],
        )
    ],
)
