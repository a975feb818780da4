import os

from demo import jit


def setup_kernels():
    folder = os.path.dirname(__file__)
    files = ["src/bindings.cpp", "src/scale.cu"]
    paths = [os.path.abspath(os.path.join(folder, name)) for name in files]
    return jit.load(name="demo_kernels", sources=paths)
