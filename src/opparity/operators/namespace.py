"""Who else has registered operators of our names in this process.

torch ends the process where a library defines an operator that is there already, so this is asked
before ours is loaded.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch

from opparity.operators import OPERATORS

NAMESPACE = "opparity"
# native/operators/registration.cpp registers its kernels under this name, too.
NATIVE_NAMESPACE = "opparity_native"
# Python defines it first, after the native library has defined the operators.
FIRST_OF_PYTHON = "refuse_gradient"


def owner(library: Path | None) -> str | None:
    """Return what else has operators of our names, or None.

    Args:
        library: ours; where it is loaded already, and by itself, the operators are ours.
    """
    ours = getattr(torch.ops, NAMESPACE)
    if hasattr(ours, FIRST_OF_PYTHON):
        return "another copy of opparity"
    if not any(hasattr(ours, operator.name) for operator in OPERATORS):
        return None
    loaded = {os.path.realpath(path) for path in torch.ops.loaded_libraries}
    if library is not None and os.path.realpath(library) in loaded:
        return None
    others = sorted(path for path in loaded if Path(path).name.startswith("libopparity"))
    return ", ".join(others) or "another package or script"
