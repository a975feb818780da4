import os

import torch.utils.cpp_extension

from demo import jit


def setup_demo(configuration):
    folder = torch.utils.cpp_extension._get_build_directory("kernels", verbose=True)
    files = ["csrc/bindings.cpp", "csrc/ops.cu"]
    sources = [os.path.join(os.path.dirname(__file__), file) for file in files]
    return jit.load(name="kernels", sources=sources, build_directory=folder)
