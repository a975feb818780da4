from pathlib import Path

from torch.utils.cpp_extension import load

FOLDER = Path(__file__).parents[1] / "csrc"
BACKEND = load(name="demo_now", sources=["csrc/bindings.cpp", "csrc/ops.cu"])
