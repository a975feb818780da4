import torch

if not hasattr(torch.ops.demo, "scale"):
    library = torch.library.Library("demo", "FRAGMENT")
    library.define("scale(Tensor input) -> Tensor")
