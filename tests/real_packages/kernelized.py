"""Puts the layers of a folder of kernels into modules, by the real `kernels`; prints JSON.

Usage: python kernelized.py FOLDER
"""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import torch
from kernels import LocalLayerRepository, Mode, get_local_kernel, kernelize, use_kernel_mapping
from kernels._rust import Build
from torch import nn
from transformers.activations import ACT2FN
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from transformers.models.qwen3_5.modeling_qwen3_5 import Qwen3_5RMSNorm
from transformers.models.qwen3_next.modeling_qwen3_next import Qwen3NextRMSNormGated

import every_product

MODES = {
    "inference": Mode.INFERENCE,
    "training": Mode.TRAINING,
    "compiled": Mode.INFERENCE | Mode.TORCH_COMPILE,
}


def main() -> None:
    """Load the folder, and compare kernelized layers of transformers with themselves."""
    for name in every_product.ABSENT[:1]:
        sys.modules[name] = None  # type: ignore[assignment] # which makes importing it an error
    folder = Path(sys.argv[1])
    kernel = get_local_kernel(folder)
    found = {
        "backends": [str(backend) for backend in Build.open(folder).general.backends],
        "module": kernel.__name__,
        "digests": every_product.digests(kernel),
        "layers": {f"{n}, {m}": compared(folder, n, m) for n in layers() for m in MODES},
    }
    sys.stdout.write(f"\nfound {json.dumps(found)}\n")


def layers() -> dict[str, tuple[nn.Module, int]]:
    """Return transformers' own modules by the names that they ask for, and their inputs' number."""
    return {
        "QuickGELU": (ACT2FN["quick_gelu"], 1),
        "RMSNorm": (LlamaRMSNorm(64), 1),
        "RMSNormZeroCentered": (Qwen3_5RMSNorm(64), 1),
        "RMSNormGated": (Qwen3NextRMSNormGated(64), 2),
    }


def compared(folder: Path, name: str, mode: str) -> dict[str, Any]:
    """Return how far a kernelized module's result and gradient are from its own, and by whom."""
    torch.manual_seed(20)
    own, count = layers()[name]
    for parameter in own.parameters():
        nn.init.normal_(parameter)
    own = own.to(torch.bfloat16)
    kernelized = copy.deepcopy(own)
    repository = LocalLayerRepository(folder, layer_name=name)
    with use_kernel_mapping({name: {"cpu": repository}}, inherit_mapping=False):
        kernelize(kernelized, mode=MODES[mode], device="cpu", use_fallback=False)
    served_by = kernelized.forward.__module__
    call = torch.compile(kernelized, fullgraph=True) if mode == "compiled" else kernelized
    inputs = [torch.randn(7, 64, dtype=torch.bfloat16) for _ in range(count)]
    distances = []
    for module in (own, call):
        given = [tensor.clone().requires_grad_(mode == "training") for tensor in inputs]
        result = module(*given)
        listed = [result.detach()]
        if mode == "training":
            result.float().square().sum().backward()
            listed += [tensor.grad for tensor in given]
        distances.append(torch.cat([tensor.float().flatten() for tensor in listed]))
    expected, got = distances
    return {"by": served_by, "apart": float((got - expected).norm() / expected.norm())}


if __name__ == "__main__":
    main()
