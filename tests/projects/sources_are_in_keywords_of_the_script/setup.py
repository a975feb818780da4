from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

SHIFT = {"sources": ["csrc/shift.cpp"], "extra_compile_args": ["-O3"]}


def extension_for_tests(name, *arguments, **options):
    return with_warnings(name, *arguments, **options)


def with_warnings(name, *arguments, **options):
    return CUDAExtension(name, *arguments, **options)


setup(
    name="demo",
    ext_modules=[
        CUDAExtension("demo._scale", ["csrc/scale.cpp"]),
        CUDAExtension("demo._shift", **SHIFT),
    ],
    cmdclass={"build_ext": BuildExtension},
)
