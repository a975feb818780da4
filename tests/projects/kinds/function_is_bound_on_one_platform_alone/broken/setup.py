import torch
from setuptools import setup
from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension

has_gpu = torch.cuda.is_available() and CUDA_HOME is not None
extension = CUDAExtension if has_gpu else CppExtension
bindings = "csrc/bindings_cuda.cu" if has_gpu else "csrc/bindings_cpu.cpp"
setup(
    name="demo",
    ext_modules=[extension("demo.backend", [bindings, "csrc/ops.cpp"])],
    cmdclass={"build_ext": BuildExtension},
)
