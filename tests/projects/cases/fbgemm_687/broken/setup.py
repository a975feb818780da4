import os

from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

cur_dir = os.path.dirname(os.path.realpath(__file__))

setup(
    name="little",
    ext_modules=[
        CUDAExtension(
            name="little_py",
            sources=[
                os.path.join(cur_dir, "codegen/embedding_forward_host.cpp"),
            ],
        )
    ],
    cmdclass={"build_ext": BuildExtension},
)
