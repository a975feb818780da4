from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="little",
    ext_modules=[CUDAExtension("little._ext", ["csrc/pybind.cpp", "csrc/iou3d.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
