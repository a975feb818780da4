from pathlib import Path

import torch
from setuptools import setup
from torch.utils.cpp_extension import CUDA_HOME, ROCM_HOME, CppExtension, CUDAExtension

CSRC = Path(__file__).absolute().parent / "demo/csrc"
IS_ROCM = (torch.version.hip is not None) and (ROCM_HOME is not None)
HAS_GPU = torch.cuda.is_available() and ((CUDA_HOME is not None) or IS_ROCM)

STABLE = {
    CSRC / "bindings_stable.cpp",
    CSRC / "ops/nms.cpp",
    CSRC / "ops/cpu/nms_kernel.cpp",
}
STABLE.add(CSRC / ("ops/hip/nms_kernel.hip" if IS_ROCM else "ops/cuda/nms_kernel.cu"))


def _plain(paths):
    return [path for path in paths if path not in STABLE]


def _stable(paths):
    return [path for path in paths if path in STABLE]


def extension(name, keep):
    sources = (
        keep(CSRC.glob("*.cpp")) + keep(CSRC.glob("ops/*.cpp")) + keep(CSRC.glob("ops/cpu/*.cpp"))
    )
    kind = CppExtension
    if HAS_GPU:
        kind = CUDAExtension
        sources += keep(CSRC.glob("ops/hip/*.hip" if IS_ROCM else "ops/cuda/*.cu"))
    return kind(name=name, sources=sorted(str(source) for source in sources))


setup(
    name="demo",
    packages=["demo"],
    ext_modules=[extension("demo._C", _plain), extension("demo._C_stable", _stable)],
)
