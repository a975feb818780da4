"""Write a folder of kernels, load it as a machine without Opparity would, and compare the bytes.

Hugging Face's `kernels` loads such a folder; where it is not installed, the folder is imported by
its path, and the first line says so (docs/kernels.md). What is in it is the reference: readable,
right and slow.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import torch

import opparity
from opparity.integrations.kernels import folder


def loaded(path: Path) -> tuple[Any, str]:
    """Return the folder's functions, and what has loaded them."""
    if find_spec("kernels") is not None:
        from kernels import get_local_kernel

        return get_local_kernel(path), "kernels"
    variant = path / "build/torch-cpu"
    name = json.loads((variant / "metadata.json").read_text("utf-8"))["id"]
    spec = spec_from_file_location(name, variant / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name], "its path, since the package kernels is not installed"


torch.manual_seed(0)
hidden = torch.randn(8, 1024, dtype=torch.bfloat16)
weight = torch.rand(1024, dtype=torch.bfloat16)

with tempfile.TemporaryDirectory() as place:
    folder.write(Path(place))
    kernel, loader = loaded(Path(place))
    print(f"loaded by {loader}")
    for name, given in {"silu_and_mul": [hidden], "rms_norm": [hidden, weight]}.items():
        theirs = getattr(kernel, name)(*given, "mxfp8")
        ours = getattr(opparity, name)(*given, "mxfp8")
        same = [
            torch.equal(their.view(torch.uint8), our.view(torch.uint8))
            for their, our in zip(theirs, ours, strict=True)
        ]
        print(f"{name} to mxfp8, the bytes of the package: {all(same)}")
