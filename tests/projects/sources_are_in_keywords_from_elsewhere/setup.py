from build_service import options_of
from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension


def extension_for_tests(name, *arguments, **options):
    return with_warnings(name, *arguments, **options)


def with_warnings(name, *arguments, **options):
    return CUDAExtension(name, *arguments, **options)


setup(
    name="demo",
    ext_modules=[
        CUDAExtension("demo._scale", ["csrc/scale.cpp"]),
        CUDAExtension("demo._shift", **options_of("shift")),
    ],
    cmdclass={"build_ext": BuildExtension},
)
