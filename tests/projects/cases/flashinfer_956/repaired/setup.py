import os
from pathlib import Path

from setuptools import setup

root = Path(__file__).parent
gen_dir = root / "csrc" / "generated"
ext_modules = []

if os.environ.get("LITTLE_ENABLE_AOT", "0") == "1":
    import torch.utils.cpp_extension as torch_cpp_ext
    from aot_build_utils import generate

    generate(gen_dir)
    kernel_sources = [
        "csrc/single_decode.cu",
        "csrc/ops.cu",
    ]
    ext_modules = [
        torch_cpp_ext.CUDAExtension(
            name="little.kernels",
            sources=kernel_sources + list(gen_dir.glob("*decode_head*.cu")),
        )
    ]

setup(name="little", ext_modules=ext_modules)
