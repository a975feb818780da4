import pathlib

import torch

for name in ("demo_pooling", "demo_lookup", "demo_all"):
    torch.ops.load_library(pathlib.Path(__file__).with_name(f"lib{name}.so"))
