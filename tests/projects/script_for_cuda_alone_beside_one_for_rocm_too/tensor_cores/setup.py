from setuptools import setup
from torch.utils.cpp_extension import BuildExtension, CUDAExtension

setup(
    name="demo_tensor_cores",
    ext_modules=[CUDAExtension("demo_tensor_cores._C", ["scan.cu"])],
    cmdclass={"build_ext": BuildExtension},
)
