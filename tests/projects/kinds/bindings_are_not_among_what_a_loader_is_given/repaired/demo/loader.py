import os

from torch.utils.cpp_extension import load

FOLDER = os.path.dirname(__file__)
kernels = load(
    name="demo_kernels",
    sources=[os.path.join(FOLDER, "src/scale.cu"), os.path.join(FOLDER, "src/bindings.cpp")],
)
